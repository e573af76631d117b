#include "backends/onednn/weight_form.h"

#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

ONNXRAY_EACH_ISA void take_part(const WeightForm& form, float* values, int64_t count) {
  const auto gamma = static_cast<float>(form.gamma);
  with_form(
      form.kind, [&]<Form kind>() __attribute__((always_inline)) {
#pragma omp simd
        for (int64_t i = 0; i < count; ++i) take<kind>(values[i], gamma);
      });
}

}  // namespace

void take_form(const WeightForm& form, float* values, int64_t count) {
  if (form == WeightForm{}) return;
  in_parallel(count, count,
              [&](int64_t first, int64_t last) { take_part(form, values + first, last - first); });
}

}  // namespace onnxray::onednn
