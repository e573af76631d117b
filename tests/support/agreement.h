#pragma once

#include <string>

#include "core/tensor.h"

namespace onnxray::test {

/// How far float32 may be from double, of a map's largest entry, where no small denominator magnifies
/// rounding.
double float_tolerance(const std::string& method);

/// x with every entry off by at most two units of float's last place, about what float32 rounding in a net
/// amounts to, each `draw` in another way. Entries that are equal stay equal, and with them the ties of max
/// pooling.
Tensor nudged(const Tensor& x, int draw);

}  // namespace onnxray::test
