#pragma once

#include "core/plan.h"

namespace onnxray {

/// How many of its samples a plan for a batch should rather run at once, one group after the other: few
/// enough that a step's results are still in the cache when the next one reads them, and many enough that
/// reading weights and starting steps weigh little. Where that costs the same, fewer take less memory.
/// `samples` itself where the backend names no cache. Whether samples may be separated at all is SampleAxes's
/// question.
int64_t samples_per_group(const Plan& plan, int64_t samples);

}  // namespace onnxray
