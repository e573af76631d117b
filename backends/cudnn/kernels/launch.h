#pragma once

#include <cstdint>

#include "backends/cudnn/step.h"

#ifndef __CUDACC__
#include <cmath>
#endif

#include "backends/cudnn/kernels/opcode_math.h"

// How kernels are written: as plain structs that handle one element or one row, run here over all of them.
// Compiled by a host compiler the same structs run in loops, which is how their index arithmetic is tested
// without a device.

namespace onnxray::cudnn {

constexpr int kBlock = 256;

/// Throws where the launch before it was refused.
void check_launch();

#ifdef __CUDACC__

template <class F>
__global__ void __launch_bounds__(kBlock) each_kernel(int64_t n, F f) {
  const int64_t step = int64_t{gridDim.x} * kBlock;
  for (int64_t i = int64_t{blockIdx.x} * kBlock + threadIdx.x; i < n; i += step) f(i);
}

/// One thread per row.
template <class F>
__global__ void __launch_bounds__(kBlock) thread_rows_kernel(int64_t rows, int64_t extent, F f) {
  const int64_t step = int64_t{gridDim.x} * kBlock;
  for (int64_t row = int64_t{blockIdx.x} * kBlock + threadIdx.x; row < rows; row += step) {
    auto sum = f.neutral();
    for (int64_t k = 0; k < extent; ++k) sum = f.combine(sum, f.at(row, k));
    f.store(row, sum);
  }
}

/// One block per row: a strided sum per thread, then a tree in shared memory.
template <class F>
__global__ void __launch_bounds__(kBlock) block_rows_kernel(int64_t rows, int64_t extent, F f) {
  using Value = decltype(f.neutral());
  __shared__ Value partial[kBlock];
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    Value sum = f.neutral();
    for (int64_t k = threadIdx.x; k < extent; k += kBlock) sum = f.combine(sum, f.at(row, k));
    partial[threadIdx.x] = sum;
    for (unsigned half = kBlock / 2; half > 0; half /= 2) {
      __syncthreads();
      if (threadIdx.x < half)
        partial[threadIdx.x] = f.combine(partial[threadIdx.x], partial[threadIdx.x + half]);
    }
    if (threadIdx.x == 0) f.store(row, partial[0]);
    __syncthreads();
  }
}

inline unsigned blocks_for(int64_t work) {
  constexpr int64_t kMost = int64_t{1} << 30;
  return static_cast<unsigned>(work < kMost ? work : kMost);
}

/// Calls f(i) for every i < n.
template <class F>
void for_each(Stream stream, int64_t n, const F& f) {
  if (n == 0) return;
  each_kernel<<<blocks_for((n + kBlock - 1) / kBlock), kBlock, 0, stream>>>(n, f);
  check_launch();
}

/// f.store(row, f.at(row, 0) + f.at(row, 1) + ...) for every row, with + = f.combine, which must be
/// associative and commutative. `wide`: a block works on one row, which pays for long rows.
template <class F>
void reduce_rows(Stream stream, int64_t rows, int64_t extent, bool wide, const F& f) {
  if (rows == 0) return;
  if (wide)
    block_rows_kernel<<<blocks_for(rows), kBlock, 0, stream>>>(rows, extent, f);
  else
    thread_rows_kernel<<<blocks_for((rows + kBlock - 1) / kBlock), kBlock, 0, stream>>>(rows, extent, f);
  check_launch();
}

#else

template <class F>
void for_each(Stream, int64_t n, const F& f) {
  for (int64_t i = 0; i < n; ++i) f(i);
}

template <class F>
void reduce_rows(Stream, int64_t rows, int64_t extent, bool, const F& f) {
  for (int64_t row = 0; row < rows; ++row) {
    auto sum = f.neutral();
    for (int64_t k = 0; k < extent; ++k) sum = f.combine(sum, f.at(row, k));
    f.store(row, sum);
  }
}

#endif

}  // namespace onnxray::cudnn
