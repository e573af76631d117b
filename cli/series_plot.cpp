#include "cli/series_plot.h"

#include <algorithm>
#include <cmath>

#include "cli/canvas.h"
#include "cli/line_raster.h"

namespace onnxray::cli {
namespace {

constexpr double kThickness = 2;
constexpr double kBandColor = 0.7,
                 kBandStrength = 0.45;  // short of the dark end, so that the curve stands out
constexpr int64_t kStripGap = 6;

int64_t strip_height(int64_t channels) {
  return channels == 1 ? 220 : channels <= 4 ? 130 : channels <= 12 ? 84 : 48;
}

/// One channel of the plot.
class Strip {
 public:
  Strip(const Planes& input, const Planes& relevance, int64_t channel, double largest, int64_t height,
        int64_t width)
      : input_(input),
        relevance_(relevance),
        channel_(channel),
        largest_(largest),
        image_(height, width, 3, 255) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t t = 0; t < input.width; ++t) {
      if (!std::isfinite(value(t))) continue;
      low = std::min(low, value(t));
      high = std::max(high, value(t));
    }
    if (!(low <= high)) low = high = 0;
    const double pad = high > low ? 0.1 * (high - low) : 1;
    low_ = low - pad;
    high_ = high + pad;
  }

  Image draw() {
    draw_band();
    const double axis = low_ < 0 && high_ > 0 ? row_of(0) : static_cast<double>(image_.height) - 1;
    fill(image_, static_cast<int64_t>(axis), 0, 1, image_.width, kFrame);
    draw_curve();
    return image_;
  }

 private:
  double value(int64_t t) const { return input_.at(channel_, 0, t); }

  /// Relevance of step t in [-1, 1]; its length may differ from the input's.
  double relative(int64_t t) const {
    const int64_t c = relevance_.channels == 1 ? 0 : channel_;
    const double r = relevance_.at(c, 0, t * relevance_.width / input_.width);
    return largest_ > 0 ? r / largest_ : r;
  }

  double row_of(double v) const { return (high_ - v) / (high_ - low_) * static_cast<double>(image_.height); }

  double column_of(int64_t t) const {
    return (static_cast<double>(t) + 0.5) * static_cast<double>(image_.width) /
           static_cast<double>(input_.width);
  }

  /// The first step of pixel column x.
  int64_t step_of(int64_t x) const { return x * input_.width / image_.width; }

  void draw_band() {
    for (int64_t x = 0; x < image_.width; ++x) {
      double strongest = 0;
      for (int64_t t = step_of(x); t < std::max(step_of(x) + 1, step_of(x + 1)); ++t) {
        if (!(std::abs(relative(t)) <= std::abs(strongest))) strongest = relative(t);
      }
      fill(image_, 0, x, image_.height, 1, blend(kWhite, diverging(kBandColor * strongest), kBandStrength));
    }
  }

  /// The steps to draw: all, or the lowest and highest of each pixel column of a long series.
  std::vector<int64_t> drawn_steps() const {
    std::vector<int64_t> steps;
    if (input_.width <= 4 * image_.width) {
      for (int64_t t = 0; t < input_.width; ++t) steps.push_back(t);
      return steps;
    }
    for (int64_t x = 0; x < image_.width; ++x) {
      int64_t lowest = step_of(x), highest = lowest;
      for (int64_t t = step_of(x); t < step_of(x + 1); ++t) {
        if (value(t) < value(lowest)) lowest = t;
        if (value(t) > value(highest)) highest = t;
      }
      steps.push_back(std::min(lowest, highest));
      steps.push_back(std::max(lowest, highest));
    }
    return steps;
  }

  void draw_curve() {
    LineRaster raster(image_.height, image_.width);
    const auto point = [&](int64_t t) {
      return LineRaster::Point{column_of(t), row_of(value(t)), relative(t)};
    };
    const std::vector<int64_t> steps = drawn_steps();
    for (size_t i = 0; i < steps.size(); ++i) {  // a lone step is a dot; gaps of NaN stay open
      const int64_t from = steps[i == 0 ? 0 : i - 1], to = steps[i];
      if (std::isfinite(value(from)) && std::isfinite(value(to)))
        raster.add_segment(point(from), point(to), kThickness);
    }
    raster.draw_on(image_);
  }

  const Planes& input_;
  const Planes& relevance_;
  int64_t channel_;
  double largest_, low_ = 0, high_ = 1;
  Image image_;
};

}  // namespace

Image plot_series(const Planes& input, const Planes& relevance) {
  const Planes& curves = input.values.empty() ? relevance : input;
  const bool shared = relevance.channels != curves.channels;
  const Planes weights = shared ? channel_sum(relevance) : relevance;
  const double largest = largest_magnitude(weights);
  const int64_t height = strip_height(curves.channels), width = std::clamp<int64_t>(curves.width, 720, 1400);
  Image plot(curves.channels * (height + kStripGap) - kStripGap, width, 3, 255);
  for (int64_t c = 0; c < curves.channels; ++c) {
    const Image strip = Strip(curves, weights, c, largest, height, width).draw();
    std::copy(strip.pixels.begin(), strip.pixels.end(), plot.at(c * (height + kStripGap), 0));
  }
  return plot;
}

}  // namespace onnxray::cli
