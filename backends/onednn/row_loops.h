#pragma once

#include <cstdint>
#include <span>

#include "core/primitive.h"

/// The inner loops of kernels that work on rows of neighbouring elements: channels, or a last axis.
namespace onnxray::onednn {

/// One tap of a window: a row of channels, and the tap's number in the kernel.
struct Tap {
  const float* row;
  int32_t number;
  const uint8_t* winner;  ///< the winners of the window that the tap belongs to, where a kernel reads them
};

/// y[c] = the largest of the taps, winner[c] = the number of the first that is; of NaNs the first wins.
/// Where there is no tap, the lowest float and 0.
void largest_tap(float* y, uint8_t* winner, std::span<const Tap> taps, int64_t channels);
/// y[c] = sum of the taps whose winner[c] is their number.
void sum_of_winning_taps(float* y, std::span<const Tap> taps, int64_t channels);
/// y[c] = sum of the taps.
void sum_of_taps(float* y, std::span<const Tap> taps, int64_t channels);

/// a + b, the larger, ...; of a NaN and a number the NaN.
double combined(Reduce::Kind kind, double a, double b);
/// What combining nothing yields.
double combination_start(Reduce::Kind kind);
/// total[i] = combination of the n columns of `rows` rows, `stride` apart, with total[i].
void reduce_rows(Reduce::Kind kind, double* total, const float* x, int64_t rows, int64_t stride, int64_t n);
/// The combination of n neighbours.
double reduce_row(Reduce::Kind kind, const float* x, int64_t n);

/// y = softmax of x, or its logarithm; `y` may be `x`.
void softmax_row(float* y, const float* x, int64_t n, bool logarithm);

/// y[i] = w * x[i], or y[i] += w * x[i].
void scale_row(float* y, const float* x, float w, int64_t n);
void add_scaled_row(float* y, const float* x, float w, int64_t n);

}  // namespace onnxray::onednn
