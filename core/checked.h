#pragma once

#include <cmath>
#include <string_view>

#include "core/fail.h"

namespace onnxray {

// Arithmetic on numbers that a file gave: Error(bad_file) where int64 does not hold the result.

inline int64_t checked_sum(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) fail(ErrorCode::bad_file, "{} + {} is too large", a, b);
  return result;
}

inline int64_t checked_difference(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) fail(ErrorCode::bad_file, "{} - {} is too large", a, b);
  return result;
}

inline int64_t checked_product(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) fail(ErrorCode::bad_file, "{} * {} is too large", a, b);
  return result;
}

/// The real as an integer, cut off behind the point; `what` names it in messages.
inline int64_t checked_whole(double value, std::string_view what) {
  if (!(std::abs(value) < 0x1p62)) fail(ErrorCode::bad_file, "{} is {}, which is no extent", what, value);
  return static_cast<int64_t>(value);
}

}  // namespace onnxray
