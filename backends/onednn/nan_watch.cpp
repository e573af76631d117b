#include "backends/onednn/nan_watch.h"

#include <omp.h>

#include "backends/onednn/invalid_flag.h"

namespace onnxray::onednn {

void NanWatch::look_behind_step() {
  if (omp_get_max_threads() > 2) look();
}

void NanWatch::look() {
  bool raised = false;
#pragma omp parallel reduction(|| : raised)
  {
    raised = invalid_flag();
    if (raised) set_invalid_flag(false);
  }
  was_raised = was_raised || raised;
}

}  // namespace onnxray::onednn
