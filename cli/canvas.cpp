#include "cli/canvas.h"

#include <algorithm>
#include <cassert>

#include "cli/font.h"

namespace onnxray::cli {

void fill(Image& image, int64_t y, int64_t x, int64_t height, int64_t width, Rgb color) {
  for (int64_t v = std::max<int64_t>(0, y); v < std::min(image.height, y + height); ++v) {
    for (int64_t u = std::max<int64_t>(0, x); u < std::min(image.width, x + width); ++u) {
      std::copy(color.begin(), color.end(), image.at(v, u));
    }
  }
}

void paste_framed(Image& canvas, int64_t y, int64_t x, const Image& panel) {
  assert(y >= 0 && x >= 0 && y + panel.height <= canvas.height && x + panel.width <= canvas.width);
  fill(canvas, y - 1, x - 1, panel.height + 2, panel.width + 2, kFrame);
  for (int64_t row = 0; row < panel.height; ++row)
    std::copy_n(panel.at(row, 0), 3 * panel.width, canvas.at(y + row, x));
}

Image scaled_nearest(const Image& image, int64_t height, int64_t width) {
  Image result(height, width, image.channels);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      std::copy_n(image.at(y * image.height / height, x * image.width / width), image.channels,
                  result.at(y, x));
    }
  }
  return result;
}

Image color_bar(int64_t height) {
  constexpr int64_t kWidth = 10;
  Image bar(height, kWidth, 3);
  for (int64_t y = 0; y < height; ++y) {
    const double value = 1 - 2 * (static_cast<double>(y) + 0.5) / static_cast<double>(height);
    fill(bar, y, 0, 1, kWidth, diverging(value));
  }
  return bar;
}

Image side_by_side(std::span<const Image> panels) {
  int64_t width = kMargin, height = 0;
  for (const Image& panel : panels) {
    width += panel.width + kMargin;
    height = std::max(height, panel.height);
  }
  Image canvas(height + 2 * kMargin, width, 3, 255);
  int64_t x = kMargin;
  for (const Image& panel : panels) {
    paste_framed(canvas, kMargin, x, panel);
    x += panel.width + kMargin;
  }
  return canvas;
}

Image stacked(std::span<const Image> pictures) {
  int64_t width = 0, height = 0;
  for (const Image& picture : pictures) {
    width = std::max(width, picture.width);
    height += picture.height;
  }
  Image canvas(height, width, 3, 255);
  int64_t y = 0;
  for (const Image& picture : pictures) {
    for (int64_t row = 0; row < picture.height; ++row)
      std::copy_n(picture.at(row, 0), 3 * picture.width, canvas.at(y + row, 0));
    y += picture.height;
  }
  return canvas;
}

Image captioned_grid(std::span<const Cell> cells, int64_t columns) {
  const Image& first = cells.front().panel;
  const bool roomy = std::all_of(cells.begin(), cells.end(), [&](const Cell& cell) {
    return text_width(cell.caption, 2) <= first.width;
  });
  const int64_t scale = roomy ? 2 : 1;
  const int64_t above = (kGlyphHeight + 5) * scale;  // descenders and a gap of three
  const int64_t step_y = above + first.height + kMargin, step_x = first.width + kMargin;
  const auto count = static_cast<int64_t>(cells.size());
  Image canvas((count + columns - 1) / columns * step_y + kMargin, columns * step_x + kMargin, 3, 255);
  for (int64_t i = 0; i < count; ++i) {
    const Cell& cell = cells[static_cast<size_t>(i)];
    const int64_t y = kMargin + i / columns * step_y, x = kMargin + i % columns * step_x;
    draw_text(canvas, y, x, fitted_text(cell.caption, first.width, scale), kInk, scale);
    paste_framed(canvas, y + above, x, cell.panel);
  }
  return canvas;
}

}  // namespace onnxray::cli
