#pragma once

#include <cmath>
#include <type_traits>

namespace onnxray {

/// Numbers ascending, every NaN behind them and equal to any other: the order of numpy and PyTorch. Strict
/// and weak, as sorting needs it.
template <class E>
bool orders_before(E a, E b) {
  if constexpr (std::is_floating_point_v<E>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  }
  return a < b;
}

}  // namespace onnxray
