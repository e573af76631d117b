#pragma once

#include <omp.h>

#include <cstdint>

#include "backends/onednn/invalid_flag.h"
#include "backends/onednn/loop_nest.h"

namespace onnxray::onednn {

/// Calls f(first, last) on each thread with its even share of `items`; on this one alone where `work`
/// elements are few. The shares depend on the number of threads only. f must not throw.
template <class F>
void in_parallel(int64_t items, int64_t work, const F& f) {
  if (work < kParallelThreshold || items < 2 || omp_get_max_threads() == 1) {
    const KeptInvalidFlag kept;
    return f(int64_t{0}, items);
  }
#pragma omp parallel
  {
    const KeptInvalidFlag kept;
    const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const int64_t first = items * thread / threads, last = items * (thread + 1) / threads;
    if (first < last) f(first, last);
  }
}

}  // namespace onnxray::onednn
