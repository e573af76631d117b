#pragma once

#include "core/plan.h"

namespace onnxray {

/// Trades time for memory: a value that waits long for its later readers is computed again in front of them
/// in place of being kept, the largest for the least work first (Griewank and Walther 2000; Chen et al. 2016,
/// for chains). Stops where the plan's arena is at most `arena_bytes`, or where nothing makes it smaller. The
/// program computes what it did; an optimiser that merges equal steps must not follow.
Program recompute_to_fit(Program program, const PlanOptions& options, int64_t arena_bytes);

}  // namespace onnxray
