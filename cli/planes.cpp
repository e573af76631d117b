#include "cli/planes.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"

namespace onnxray::cli {
namespace {

bool is_image_layout(const std::string& layout) { return layout == "NCHW" || layout == "NHWC"; }
bool is_series_layout(const std::string& layout) { return layout == "NCT" || layout == "NTC"; }

/// The extents of one sample, with the axes of extent 1 that the layout has no place for taken out, and the
/// image that a flat input of square size stands for.
Shape sample_extents(const Tensor& tensor, const std::string& layout) {
  const Shape& shape = tensor.shape();
  const bool has_batch = shape.size() > 1 && !(is_image_layout(layout) && shape.size() == 3);
  Shape extents(shape.begin() + (has_batch ? 1 : 0), shape.end());
  const size_t wanted = is_series_layout(layout) ? 2 : 3;
  while (extents.size() > wanted) {
    const auto unit = std::find(extents.begin(), extents.end(), 1);
    if (unit == extents.end()) break;
    extents.erase(unit);
  }
  const auto side =
      static_cast<int64_t>(std::sqrt(static_cast<double>(count_between(extents, 0, extents.size()))));
  if (extents.size() == 1 && is_image_layout(layout) && side * side == extents[0]) extents = {1, side, side};
  require(!extents.empty() && extents.size() <= 3 && tensor.size() > 0, ErrorCode::usage,
          "there is no picture of a tensor of shape {}", to_string(shape));
  return extents;
}

bool channels_are_last(const Shape& extents, const std::string& layout) {
  if (!layout.empty()) return layout == "NHWC" || layout == "NTC";
  return extents.back() < extents.front();
}

uint8_t to_byte(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

/// y = x * factor + offset, per channel.
struct Stretch {
  double factor, offset;
};

std::vector<Stretch> display_stretch(const Planes& input, const std::optional<Preprocess>& p) {
  const auto suits = [&](const std::vector<double>& v) {
    return v.size() <= 1 || static_cast<int64_t>(v.size()) == input.channels;
  };
  std::vector<Stretch> result;
  if (p && suits(p->mean) && suits(p->std) && p->image_scale() != 0) {
    for (int64_t c = 0; c < input.channels; ++c) {
      result.push_back({p->std_of(c) / p->image_scale(), p->mean_of(c) / p->image_scale()});
    }
    return result;
  }
  double low = INFINITY, high = -INFINITY;
  for (const double v : input.values) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const double factor = high > low ? 255 / (high - low) : 0;
  return std::vector<Stretch>(static_cast<size_t>(input.channels), {factor, high > low ? -low * factor : 0});
}

}  // namespace

Planes planes_of(const Tensor& tensor, const std::string& layout, int64_t sample) {
  Shape extents = sample_extents(tensor, layout);
  Planes planes;
  planes.is_series = extents.size() < 3 && !is_image_layout(layout);
  const bool last = extents.size() > 1 && (extents.size() == 3 || planes.is_series) &&
                    tensor.shape().size() > 2 && channels_are_last(extents, layout);
  if (extents.size() == 1) extents = {1, extents[0]};
  if (extents.size() == 2 && planes.is_series)
    extents = last ? Shape{1, extents[0], extents[1]} : Shape{extents[0], 1, extents[1]};
  if (extents.size() == 2) extents.insert(extents.begin(), 1);
  if (last) std::rotate(extents.begin(), extents.end() - 1, extents.end());
  planes.channels = extents[0];
  planes.height = extents[1];
  planes.width = extents[2];
  const int64_t area = planes.height * planes.width, size = planes.channels * area;
  const int64_t start = sample * size;
  require(sample >= 0 && start + size <= tensor.size(), ErrorCode::usage,
          "a tensor of shape {} has no sample {}", to_string(tensor.shape()), sample);
  planes.values.reserve(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) {
    planes.values.push_back(tensor.as_double(start + (last ? i % area * planes.channels + i / area : i)));
  }
  return planes;
}

Planes channel_sum(const Planes& planes) {
  Planes sum{1, planes.height, planes.width, {}, planes.is_series};
  const auto area = static_cast<size_t>(planes.height * planes.width);
  sum.values.assign(area, 0);
  for (size_t i = 0; i < planes.values.size(); ++i) sum.values[i % area] += planes.values[i];
  return sum;
}

double largest_magnitude(const Planes& planes) {
  double largest = 0;
  for (const double v : planes.values) {
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  }
  return largest;
}

Image show_input(const Planes& input, const std::optional<Preprocess>& preprocess) {
  const std::vector<Stretch> stretch = display_stretch(input, preprocess);
  const bool swapped = preprocess && preprocess->color == "BGR";
  Image image(input.height, input.width, 3);
  for (int64_t y = 0; y < input.height; ++y) {
    for (int64_t x = 0; x < input.width; ++x) {
      const auto shown = [&](int64_t c) {
        const Stretch& s = stretch[static_cast<size_t>(c)];
        return input.at(c, y, x) * s.factor + s.offset;
      };
      double gray = 0;
      for (int64_t c = 0; c < input.channels; ++c) gray += shown(c) / static_cast<double>(input.channels);
      for (int64_t c = 0; c < 3; ++c)
        image.at(y, x)[c] = to_byte(input.channels == 3 ? shown(swapped ? 2 - c : c) : gray);
    }
  }
  return image;
}

}  // namespace onnxray::cli
