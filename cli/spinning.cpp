#include "cli/spinning.h"

#include <unistd.h>

#include <cstdlib>

namespace onnxray::cli {

void limit_spinning(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
  if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0) execv("/proc/self/exe", argv);
}

}  // namespace onnxray::cli
