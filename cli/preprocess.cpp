#include "cli/preprocess.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/bytes.h"
#include "cli/resize.h"
#include "core/fail.h"

namespace onnxray::cli {
namespace {

using Json = nlohmann::json;

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

/// Reads one JSON object; every complaint names the key.
class PreprocessReader {
 public:
  PreprocessReader(const Json& json, const std::string& name) : json_(json), name_(name) {}

  Preprocess read() {
    Preprocess p;
    for (const auto& [key, value] : json_.items()) {
      if (!value.is_null()) read_key(key, value, p);  // null is the same as leaving the key out
    }
    for (const double s : p.std) check(s > 0, "std", "numbers above 0");
    for (const auto* values : {&p.mean, &p.std}) {
      check(values->size() != 2 || !is_image(p), values == &p.mean ? "mean" : "std",
            "one number per channel");
    }
    return p;
  }

 private:
  static bool is_image(const Preprocess& p) {
    return !p.color.empty() || p.layout == "NCHW" || p.layout == "NHWC";
  }

  void check(bool sound, std::string_view key, std::string_view expected) const {
    require(sound, ErrorCode::bad_file, "'{}': \"{}\" must be {}", name_, key, expected);
  }

  void read_key(const std::string& key, const Json& value, Preprocess& p) const {
    if (key == "layout")
      p.layout = choice(key, value, {"NCHW", "NHWC", "NCT", "NTC"});
    else if (key == "color")
      p.color = choice(key, value, {"RGB", "BGR", "gray"});
    else if (key == "resize")
      p.resize = extents(key, value, 1);
    else if (key == "crop")
      p.crop = extents(key, value, 2);
    else if (key == "scale")
      p.scale = number(key, value);
    else if (key == "mean")
      p.mean = numbers(key, value);
    else if (key == "std")
      p.std = numbers(key, value);
    else if (key == "labels")
      p.labels = texts(key, value);
    else
      fail(ErrorCode::bad_file,
           "'{}' has the unknown key {}; valid keys: layout, color, resize, crop, scale, mean, std, labels",
           name_, excerpt(key));
  }

  std::string choice(const std::string& key, const Json& value,
                     const std::vector<std::string>& choices) const {
    const bool known = value.is_string() && std::find(choices.begin(), choices.end(), value) != choices.end();
    check(known, key, fmt::format("one of {}", fmt::join(choices, ", ")));
    return value;
  }

  double number(const std::string& key, const Json& value) const {
    check(value.is_number(), key, "a number");
    return value;
  }

  /// One number or a list of them.
  std::vector<double> numbers(const std::string& key, const Json& value) const {
    if (value.is_number()) return {number(key, value)};
    check(value.is_array() && !value.empty(), key, "a number or a list of numbers");
    std::vector<double> result;
    for (const Json& item : value) result.push_back(number(key, item));
    return result;
  }

  /// [height, width]; one number means {side} where `fewest` is 1 and {side, side} otherwise.
  std::vector<int64_t> extents(const std::string& key, const Json& value, size_t fewest) const {
    constexpr double kLargest = 16384;
    std::vector<int64_t> result;
    for (const double v : numbers(key, value)) {
      check(v >= 1 && v <= kLargest && v == static_cast<double>(static_cast<int64_t>(v)), key,
            "whole numbers from 1 to 16384");
      result.push_back(static_cast<int64_t>(v));
    }
    if (!value.is_array() && fewest == 2) result.push_back(result[0]);
    check(result.size() == (value.is_array() ? 2 : fewest), key, "a number or [height, width]");
    return result;
  }

  std::vector<std::string> texts(const std::string& key, const Json& value) const {
    check(value.is_array(), key, "a list of texts");
    std::vector<std::string> result;
    for (const Json& item : value) {
      check(item.is_string(), key, "a list of texts");
      result.push_back(item);
    }
    return result;
  }

  const Json& json_;
  const std::string& name_;
};

}  // namespace

Preprocess parse_preprocess(std::string_view text, const std::string& name) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  require(json.is_object(), ErrorCode::bad_file, "'{}' does not hold a JSON object", name);
  return PreprocessReader(json, name).read();
}

Preprocess load_preprocess(const std::string& name_or_path) {
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) {
    if (preset.name == name_or_path) return preset.preprocess;
    names.push_back(preset.name);
  }
  require(std::filesystem::path(name_or_path).extension() == ".json", ErrorCode::usage,
          "no preprocessing is called '{}'; choose {} or a .json file", name_or_path, fmt::join(names, ", "));
  const Bytes bytes = read_bytes(name_or_path);
  return parse_preprocess({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name_or_path);
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
