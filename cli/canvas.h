#pragma once

#include <span>
#include <string>

#include "cli/colormap.h"
#include "cli/image.h"

namespace onnxray::cli {

/// Pixels between and around panels.
constexpr int64_t kMargin = 10;

/// Fills the part of [y, y+height) x [x, x+width) that lies in the RGB image.
void fill(Image& image, int64_t y, int64_t x, int64_t height, int64_t width, Rgb color);

/// Copies an RGB image, all of which must fit, with a thin frame around it.
void paste_framed(Image& canvas, int64_t y, int64_t x, const Image& panel);

/// Nearest-neighbour scaling to any size; keeps the cells of small inputs visible as such.
Image scaled_nearest(const Image& image, int64_t height, int64_t width);

/// A vertical bar of the diverging colours, +1 on top.
Image color_bar(int64_t height);

/// Panels of equal height in a row, on white with a margin.
Image side_by_side(std::span<const Image> panels);

/// Pictures on white, one below the other.
Image stacked(std::span<const Image> pictures);

/// One picture in a grid and what is written above it.
struct Cell {
  std::string caption;
  Image panel;
};
/// Cells of equal size, `columns` in a row, each with its caption.
Image captioned_grid(std::span<const Cell> cells, int64_t columns);

}  // namespace onnxray::cli
