#pragma once

#include <string_view>

#include "cli/colormap.h"
#include "cli/image.h"

namespace onnxray::cli {

constexpr int64_t kGlyphWidth = 5, kGlyphHeight = 7, kGlyphAdvance = 6;

/// Pixels that a line of text takes from its left edge.
int64_t text_width(std::string_view text, int64_t scale);

/// Draws printable ASCII with its top left corner at (y, x), anything else as a box; descenders reach two
/// rows (times scale) below kGlyphHeight. What lies outside of the RGB image is left out.
void draw_text(Image& image, int64_t y, int64_t x, std::string_view text, Rgb color, int64_t scale);

/// The text cut to `width` pixels, with ".." where something is missing.
std::string fitted_text(std::string_view text, int64_t width, int64_t scale);

}  // namespace onnxray::cli
