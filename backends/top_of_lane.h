#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>

#include "core/total_order.h"

namespace onnxray {

/// y[0], y[y_step], ... = the places of the `count` largest (smallest) of x[0], x[x_step], ..., as TopK has
/// them (core/primitive.h). `places` is scratch with one entry for each of x.
template <class E>
void top_of_lane(const E* x, int64_t x_step, std::span<int64_t> places, int64_t count, bool largest,
                 int64_t* y, int64_t y_step) {
  const auto before = [&](int64_t i, int64_t j) {
    const E a = x[i * x_step], b = x[j * x_step];
    if (orders_before(a, b)) return !largest;
    if (orders_before(b, a)) return largest;
    return i < j;
  };
  std::iota(places.begin(), places.end(), 0);
  const auto end = places.begin() + count;
  if (count < std::ssize(places)) std::nth_element(places.begin(), end, places.end(), before);
  std::sort(places.begin(), end, before);
  for (int64_t k = 0; k < count; ++k) y[k * y_step] = places[static_cast<size_t>(k)];
}

}  // namespace onnxray
