#include "cli/to_tensor.h"

#include <algorithm>
#include <cmath>

#include "cli/resize.h"
#include "core/fail.h"

namespace onnxray::cli {
namespace {

constexpr int64_t kUnknown = -1;

bool fits(int64_t expected, int64_t actual) { return expected < 0 || expected == actual; }

bool fits(const Shape& expected, const Shape& actual) {
  return std::equal(expected.begin(), expected.end(), actual.begin(), actual.end(),
                    [](int64_t e, int64_t a) { return fits(e, a); });
}

/// What the model wants of an image; kUnknown where it leaves it open.
struct ImageShape {
  bool channels_last = false;
  int64_t channels = kUnknown, height = kUnknown, width = kUnknown;
};

ImageShape wanted_shape(const Preprocess& p, const Shape& model_input) {
  Shape shape = model_input;
  if (shape.size() == 3) shape.insert(shape.begin(), 1);
  std::string layout = p.layout.empty() ? image_layout(shape) : p.layout;
  if (layout.empty() && shape.size() == 2 && p.color == "gray")
    layout = "NCHW";  // flat: one plane has one order
  require(!layout.empty(), ErrorCode::usage,
          "the model's input {} does not tell where its channels are; set layout to NCHW or NHWC with "
          "--preprocess FILE.json",
          to_string(model_input));
  require(layout == "NCHW" || layout == "NHWC", ErrorCode::usage,
          "an image needs layout NCHW or NHWC, not {}", layout);
  const bool last = layout == "NHWC";
  if (shape.size() != 4) return {.channels_last = last};
  if (last) return {true, shape[3], shape[1], shape[2]};
  return {false, shape[1], shape[2], shape[3]};
}

Image with_wanted_channels(const Image& image, const Preprocess& p, int64_t channels) {
  const int64_t own = p.color.empty()     ? (channels == kUnknown ? image.channels : channels)
                      : p.color == "gray" ? 1
                                          : 3;
  require(fits(channels, own) && (own == 1 || own == 3), ErrorCode::usage,
          "the model takes {} channels, an image gives {}", channels,
          p.color.empty() ? "1 or 3" : fmt::format("{} ({})", own, p.color));
  return with_channels(image, own);
}

/// torchvision's CenterCrop: halves round to even.
int64_t centre_offset(int64_t extent, int64_t wanted) {
  return std::lrint(static_cast<double>(extent - wanted) / 2);
}

Image with_wanted_size(const Image& image, const Preprocess& p, const ImageShape& wanted) {
  Image result = image;
  if (p.resize.size() == 1) result = resized_shorter_side(image, p.resize[0]);
  if (p.resize.size() == 2) result = resized(image, p.resize[0], p.resize[1]);
  if (!p.crop.empty()) {
    require(p.crop[0] <= result.height && p.crop[1] <= result.width, ErrorCode::usage,
            "cannot crop {} x {} from an image of {} x {}; set resize", p.crop[0], p.crop[1], result.height,
            result.width);
    result = cropped(result, centre_offset(result.height, p.crop[0]), centre_offset(result.width, p.crop[1]),
                     p.crop[0], p.crop[1]);
  }
  if (p.resize.empty() && p.crop.empty() && !p.is_as_is) {
    const auto or_own = [](int64_t extent, int64_t own) { return extent < 0 ? own : extent; };
    result = resized(result, or_own(wanted.height, result.height), or_own(wanted.width, result.width));
  }
  require(fits(wanted.height, result.height) && fits(wanted.width, result.width), ErrorCode::usage,
          "the model takes images of {} x {}, the preprocessing yields {} x {}", wanted.height, wanted.width,
          result.height, result.width);
  return result;
}

void check_channel_values(const Preprocess& p, int64_t channels) {
  for (const auto* values : {&p.mean, &p.std}) {
    const auto count = static_cast<int64_t>(values->size());
    require(count <= 1 || count == channels, ErrorCode::usage,
            "the preprocessing has {} values of {} for {} channels", count,
            values == &p.mean ? "mean" : "std", channels);
  }
}

/// [1, C, H, W] or [1, H, W, C].
Tensor normalised(const Image& image, const Preprocess& p, bool channels_last) {
  const int64_t c = image.channels, h = image.height, w = image.width;
  check_channel_values(p, c);
  Tensor result(DType::f32, channels_last ? Shape{1, h, w, c} : Shape{1, c, h, w});
  const auto out = result.mutable_data<float>();
  for (int64_t k = 0; k < c; ++k) {
    const int64_t source = p.color == "BGR" ? c - 1 - k : k;
    const double scale = p.image_scale(), mean = p.mean_of(k), std = p.std_of(k);
    for (int64_t i = 0; i < h * w; ++i) {
      const double value = image.pixels[static_cast<size_t>(i * c + source)];
      out[static_cast<size_t>(channels_last ? i * c + k : k * h * w + i)] =
          static_cast<float>((value * scale - mean) / std);
    }
  }
  return result;
}

/// [1, C, T] or [1, T, C] of a table.
Tensor series(const Tensor& table, const Preprocess& p, bool channels_last) {
  const int64_t t = table.shape()[0], c = table.shape()[1];
  check_channel_values(p, c);
  Tensor result(DType::f32, channels_last ? Shape{1, t, c} : Shape{1, c, t});
  const auto out = result.mutable_data<float>();
  for (int64_t i = 0; i < t * c; ++i) {
    const int64_t row = i / c, k = i % c;
    const double value = (table.as_double(i) * p.table_scale() - p.mean_of(k)) / p.std_of(k);
    out[static_cast<size_t>(channels_last ? i : k * t + row)] = static_cast<float>(value);
  }
  return result;
}

/// Whether each axis of a model's input of rank 3 or more carries part of a series [batch, a, b]: of the
/// inner axes of extent 1, the first ones are left out as far as the rank exceeds 3.
std::vector<bool> series_axes(const Shape& shape) {
  std::vector<bool> kept(shape.size(), true);
  size_t excess = shape.size() - std::min<size_t>(shape.size(), 3);
  for (size_t i = 1; i < shape.size() && excess > 0; ++i) {
    if (shape[i] != 1) continue;
    kept[i] = false;
    --excess;
  }
  return kept;
}

bool series_is_channels_last(const Tensor& table, const Preprocess& p, const Shape& shape,
                             const Shape& model_input) {
  require(p.layout.empty() || p.layout == "NCT" || p.layout == "NTC", ErrorCode::usage,
          "a table needs layout NCT or NTC, not {}", p.layout);
  if (!p.layout.empty()) return p.layout == "NTC";
  const int64_t t = table.shape()[0], c = table.shape()[1];
  const bool first = shape.size() == 3 && fits(shape[1], c) && fits(shape[2], t);
  const bool last = shape.size() == 3 && fits(shape[1], t) && fits(shape[2], c);
  require(first || last, ErrorCode::usage,
          "a table of {} rows (time steps) and {} columns (channels) does not fit the model's input {}", t, c,
          to_string(model_input));
  require(!(first && last) || (t == 1 && c == 1), ErrorCode::usage,
          "a table of {} rows fits the model's input {} both ways; set layout to NCT or NTC with "
          "--preprocess FILE.json",
          t, to_string(model_input));
  return last && !first;
}

/// A table for a model that takes [batch, features].
Tensor flat_table(const Tensor& table, const Preprocess& p, const Shape& model_input) {
  const Shape& shape = table.shape();
  if (fits(model_input[1], shape[1])) return series(table, p, true).reshaped(shape);
  require(table.size() == model_input[1], ErrorCode::usage,
          "a table of {} rows and {} columns does not fit the model's input {}", shape[0], shape[1],
          to_string(model_input));
  return series(table, p, p.layout != "NCT").reshaped({1, table.size()});
}

}  // namespace

std::string image_layout(const Shape& shape) {
  if (shape.size() != 4) return "";
  const auto may_be_channels = [](int64_t extent) {
    return extent == 1 || extent == 3 || extent == kUnknown;
  };
  const bool first = may_be_channels(shape[1]), last = may_be_channels(shape[3]);
  const bool both = first && last;
  if (both && (shape[1] == kUnknown) == (shape[3] == kUnknown)) return "";
  if (both) return shape[1] == kUnknown ? "NHWC" : "NCHW";
  return first ? "NCHW" : last ? "NHWC" : "";
}

Tensor image_to_tensor(const Image& image, const Preprocess& p, const Shape& model_input) {
  const ImageShape wanted = wanted_shape(p, model_input);
  const Image fitted = with_wanted_size(with_wanted_channels(image, p, wanted.channels), p, wanted);
  const Tensor result = normalised(fitted, p, wanted.channels_last);
  const size_t rank = model_input.size();
  if (rank == 4) return result;
  if (rank == 3) return result.reshaped({result.shape().begin() + 1, result.shape().end()});
  require(rank == 2 && fits(model_input[1], result.size()), ErrorCode::usage,
          "the model takes {}, the image gives {} x {} with {} channels; set resize and color",
          to_string(model_input), fitted.height, fitted.width, fitted.channels);
  return result.reshaped({1, result.size()});
}

Tensor table_to_tensor(const Tensor& table, const Preprocess& p, const Shape& model_input) {
  if (model_input.size() == 2) return flat_table(table, p, model_input);
  const std::vector<bool> kept = series_axes(model_input);
  Shape shape;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) shape.push_back(model_input[i]);
  }
  const bool channels_last = series_is_channels_last(table, p, shape, model_input);
  const Tensor result = series(table, p, channels_last);
  Shape full;
  size_t next = 0;
  for (const bool keep : kept) full.push_back(keep && next < 3 ? result.shape()[next++] : 1);
  const bool fitting = shape.size() == 3 && fits({kUnknown, shape[1], shape[2]}, result.shape());
  require(fitting, ErrorCode::usage,
          "a table of {} rows and {} columns with layout {} does not fit the model's input {}",
          table.shape()[0], table.shape()[1], channels_last ? "NTC" : "NCT", to_string(model_input));
  return result.reshaped(full);
}

}  // namespace onnxray::cli
