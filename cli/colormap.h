#pragma once

#include <array>
#include <cstdint>

namespace onnxray::cli {

using Rgb = std::array<uint8_t, 3>;

constexpr Rgb kWhite{255, 255, 255}, kInk{51, 54, 60}, kFrame{208, 211, 216}, kMissing{150, 150, 150};

/// Blue at -1, near-white at 0, red at +1. Lightness falls linearly with |value| and equally on both
/// sides, so equal steps look equal and neither sign looks stronger. NaN is gray; beyond 1 is as 1.
Rgb diverging(double value);

/// The same hues for thin lines on white: dark gray at 0 instead of near-white.
Rgb diverging_line(double value);

/// `amount` of `b` over `a`.
Rgb blend(Rgb a, Rgb b, double amount);

}  // namespace onnxray::cli
