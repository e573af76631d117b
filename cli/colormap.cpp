#include "cli/colormap.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace onnxray::cli {
namespace {

constexpr double kBlueHue = 257,
                 kRedHue = 25;  // degrees in Oklab; equally saturated in sRGB at this lightness

uint8_t srgb_byte(double linear) {
  linear = std::clamp(linear, 0.0, 1.0);
  const double encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
  return static_cast<uint8_t>(std::lround(255 * encoded));
}

/// Oklab (B. Ottosson, 2020) in cylinder coordinates to sRGB.
Rgb from_oklch(double lightness, double chroma, double hue_degrees) {
  const double hue = hue_degrees * std::numbers::pi / 180;
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cube = [](double v) { return v * v * v; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {srgb_byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          srgb_byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          srgb_byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

double hue_of(double value) { return value < 0 ? kBlueHue : kRedHue; }

}  // namespace

Rgb diverging(double value) {
  if (std::isnan(value)) return kMissing;
  const double strength = std::min(std::abs(value), 1.0);
  constexpr double kNeutral = 0.975, kFull = 0.42;
  // Chroma follows the border of sRGB: it rises to a lightness near 0.6 and falls again towards black.
  const double chroma = 0.185 * std::sin(std::numbers::pi / 2 * std::pow(strength, 0.9) * 1.25);
  return from_oklch(kNeutral + (kFull - kNeutral) * strength, chroma, hue_of(value));
}

Rgb diverging_line(double value) {
  if (std::isnan(value)) return kMissing;
  const double strength = std::min(std::abs(value), 1.0);
  return from_oklch(0.45 + 0.12 * strength, 0.2 * std::sqrt(strength), hue_of(value));
}

Rgb blend(Rgb a, Rgb b, double amount) {
  Rgb result;
  for (size_t c = 0; c < 3; ++c) result[c] = static_cast<uint8_t>(std::lround(a[c] + amount * (b[c] - a[c])));
  return result;
}

}  // namespace onnxray::cli
