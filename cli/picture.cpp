#include "cli/picture.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "cli/canvas.h"
#include "cli/heatmap.h"
#include "cli/planes.h"
#include "cli/resize.h"
#include "cli/series_plot.h"
#include "core/error.h"

namespace onnxray::cli {
namespace {

constexpr int64_t kPanelSide = 256, kSheetPanelSide = 200, kLargestSide = 1024;

/// Small images grow by a whole factor to at least `side`, so that cells stay square and equal.
Image to_panel_size(const Image& image, int64_t side) {
  const int64_t longer = std::max(image.height, image.width);
  if (longer > kLargestSide) {
    const auto shrunk = [&](int64_t extent) { return std::max<int64_t>(1, extent * kLargestSide / longer); };
    return resized(image, shrunk(image.height), shrunk(image.width));
  }
  const int64_t factor = (side + longer - 1) / longer;
  return scaled_nearest(image, image.height * factor, image.width * factor);
}

/// One row up to four; beyond, a sheet somewhat wider than high.
int64_t sheet_columns(int64_t count) {
  return count <= 4 ? count : static_cast<int64_t>(std::ceil(std::sqrt(1.4 * static_cast<double>(count))));
}

/// Curves under each other, so that their times can be compared; many side by side.
int64_t series_columns(int64_t count) { return count <= 8 ? 1 : 3; }

/// The input and one attribution after another as panels of one size.
class Panels {
 public:
  Panels(const Tensor& input, const Tensor& example, const PictureOptions& options, int64_t side)
      : options_(options), has_input_(input.size() > 0) {
    // Without an input, a blank image of the attribution's size stands for it.
    planes_ = planes_of(has_input_ ? input : example, options.layout, options.sample);
    is_series_ = planes_.is_series;
    if (is_series_) {
      if (!has_input_) planes_.values.clear();
      return;
    }
    const Image blank(planes_.height, planes_.width, 3, 255);
    input_ = to_panel_size(has_input_ ? show_input(planes_, options.preprocess) : blank, side);
  }

  bool has_input() const { return has_input_; }
  bool is_series() const { return is_series_; }
  const Image& input() const { return input_; }

  Image draw(const Tensor& attribution) const {
    const Planes planes = planes_of(attribution, options_.layout, options_.sample);
    if (is_series_) return plot_series(planes_, planes);
    if (options_.overlay && has_input_) return heatmap_over(input_, planes);
    return heatmap(planes, input_.height, input_.width);
  }

 private:
  const PictureOptions& options_;
  bool has_input_, is_series_ = false;
  Planes planes_;
  Image input_;
};

}  // namespace

Image draw_attribution(const Tensor& input, const Tensor& attribution, const PictureOptions& options) {
  const Panels panels(input, attribution, options, kPanelSide);
  std::vector<Image> row;
  if (panels.has_input() && !panels.is_series() && !options.overlay) row.push_back(panels.input());
  row.push_back(panels.draw(attribution));
  row.push_back(color_bar(row.back().height));
  return side_by_side(row);
}

Image draw_sheet(const Tensor& input, std::span<const Captioned> attributions,
                 const PictureOptions& options) {
  assert(!attributions.empty());
  const Panels panels(input, attributions.front().attribution, options, kSheetPanelSide);
  std::vector<Cell> cells;
  if (panels.has_input() && !panels.is_series()) cells.push_back({options.input_caption, panels.input()});
  for (const Captioned& a : attributions) cells.push_back({a.caption, panels.draw(a.attribution)});
  const auto count = static_cast<int64_t>(cells.size());
  return captioned_grid(cells, panels.is_series() ? series_columns(count) : sheet_columns(count));
}

Image draw_picture(const Tensor& input, std::span<const Captioned> attributions,
                   const PictureOptions& options) {
  if (attributions.size() == 1) return draw_attribution(input, attributions[0].attribution, options);
  return draw_sheet(input, attributions, options);
}

std::string why_no_picture(const Tensor& tensor, const std::string& layout) {
  const int64_t samples = tensor.shape().empty() ? 1 : std::max<int64_t>(1, tensor.shape()[0]);
  if (tensor.size() <= samples) return "it is one number";
  try {
    planes_of(tensor, layout, 0);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace onnxray::cli
