#include "cli/preprocess.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/fail.h"
#include "core/json_value.h"

namespace onnxray::cli {
namespace {

struct Preset {
  std::string_view name;
  Preprocess preprocess;
};

/// Bytes and numbers as the file holds them.
Preprocess as_is() {
  Preprocess p;
  p.scale = 1;
  p.is_as_is = true;
  return p;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      {"torchvision",
       {.layout = "NCHW",
        .color = "RGB",
        .resize = {256},
        .crop = {224, 224},
        .scale = 1.0 / 255,
        .mean = {0.485, 0.456, 0.406},
        .std = {0.229, 0.224, 0.225},
        .labels = {},
        .is_as_is = false}},
      {"keras-caffe",
       {.layout = "NHWC",
        .color = "BGR",
        .resize = {224, 224},
        .crop = {},
        .scale = 1,
        .mean = {103.939, 116.779, 123.68},
        .std = {},
        .labels = {},
        .is_as_is = false}},
      {"keras-tf",
       {.layout = "NHWC",
        .color = "RGB",
        .resize = {224, 224},
        .crop = {},
        .scale = 1 / 127.5,
        .mean = {1},
        .std = {1},
        .labels = {},
        .is_as_is = false}},
      {"none", as_is()},
  };
  return all;
}

constexpr NumberRange kAny{-kLargestNumber, kLargestNumber};
constexpr double kLargestSide = 16384;
constexpr std::array<std::string_view, 4> kLayouts{"NCHW", "NHWC", "NCT", "NTC"};
constexpr std::array<std::string_view, 3> kColors{"RGB", "BGR", "gray"};

/// One number or a list of them.
std::vector<double> read_numbers(const JsonValue& json, const NumberRange& range) {
  if (!json.is_list()) return {json.number(range)};
  std::vector<double> numbers;
  for (const JsonValue& item : json.items()) numbers.push_back(item.number(range));
  if (numbers.empty()) json.fail_as("a number or a list of numbers");
  return numbers;
}

/// [height, width], or one number.
std::vector<int64_t> read_extents(const JsonValue& json) {
  if (!json.is_list()) return {json.whole(1, kLargestSide)};
  std::vector<int64_t> extents;
  for (const JsonValue& item : json.items()) extents.push_back(item.whole(1, kLargestSide));
  if (extents.size() != 2) json.fail_as("a number or [height, width]");
  return extents;
}

bool is_of_images(const Preprocess& p) {
  return !p.color.empty() || p.layout == "NCHW" || p.layout == "NHWC";
}

Preprocess read_preprocess(const JsonValue& json) {
  json.allow_keys({"layout", "color", "resize", "crop", "scale", "mean", "std", "labels"});
  Preprocess p;
  const auto with = [&](std::string_view key, const auto& take) {
    const auto value = json.find(key);
    if (value && !value->is_null()) take(*value);  // null is the same as leaving the key out
  };
  with("layout", [&](const JsonValue& v) { p.layout = kLayouts[v.choice(kLayouts)]; });
  with("color", [&](const JsonValue& v) { p.color = kColors[v.choice(kColors)]; });
  with("resize", [&](const JsonValue& v) { p.resize = read_extents(v); });
  with("crop", [&](const JsonValue& v) { p.crop = read_extents(v); });
  if (p.crop.size() == 1) p.crop.push_back(p.crop[0]);
  with("scale", [&](const JsonValue& v) { p.scale = v.number(kAny); });
  with("mean", [&](const JsonValue& v) { p.mean = read_numbers(v, kAny); });
  with("std", [&](const JsonValue& v) { p.std = read_numbers(v, numbers_above(0, kLargestNumber)); });
  with("labels", [&](const JsonValue& v) {
    for (const JsonValue& name : v.items()) p.labels.push_back(name.text());
  });
  for (const char* key : {"mean", "std"}) {
    const auto& values = std::string_view(key) == "mean" ? p.mean : p.std;
    if (values.size() == 2 && is_of_images(p)) json.at(key).fail_as("one number per channel");
  }
  return p;
}

}  // namespace

Preprocess parse_preprocess(std::string_view text, const std::string& name) {
  return read_preprocess(JsonValue::parse(text, name, ErrorCode::bad_file));
}

Preprocess load_preprocess(const std::string& name_or_path) {
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) {
    if (preset.name == name_or_path) return preset.preprocess;
    names.push_back(preset.name);
  }
  require(std::filesystem::path(name_or_path).extension() == ".json", ErrorCode::usage,
          "no preprocessing is called '{}'; choose {} or a .json file", name_or_path, fmt::join(names, ", "));
  return read_preprocess(JsonValue::read(name_or_path, ErrorCode::bad_file));
}

std::optional<std::string> find_sidecar(const std::string& model_path) {
  const auto path = std::filesystem::path(model_path).replace_extension(".json");
  std::error_code error;
  if (path == model_path || !std::filesystem::is_regular_file(path, error)) return std::nullopt;
  return path.string();
}

ValueRange value_range(const Preprocess& p, int64_t channels) {
  ValueRange range;
  for (int64_t c = 0; c < channels; ++c) {
    const double black = (0 - p.mean_of(c)) / p.std_of(c);
    const double white = (255 * p.image_scale() - p.mean_of(c)) / p.std_of(c);
    range.low.push_back(std::min(black, white));
    range.high.push_back(std::max(black, white));
  }
  return range;
}

}  // namespace onnxray::cli
