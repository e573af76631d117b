#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onnxray::cli {

/// How the numbers of an image or table become a model's input: y = (x * scale - mean) / std.
/// What is left out is taken from the model's input shape.
struct Preprocess {
  std::string layout;             ///< NCHW, NHWC for images; NCT, NTC for tables
  std::string color;              ///< RGB, BGR, gray
  std::vector<int64_t> resize;    ///< {shorter side} or {height, width}
  std::vector<int64_t> crop;      ///< {height, width}, cut from the centre
  std::optional<double> scale;    ///< left out: 1/255 for images, 1 for tables
  std::vector<double> mean, std;  ///< one for all channels or one per channel, in the model's channel order
  std::vector<std::string> labels;
  bool is_as_is = false;  ///< an image of another size than the model's is an error, not resized to it

  double image_scale() const { return scale.value_or(1.0 / 255); }
  double table_scale() const { return scale.value_or(1.0); }
  double mean_of(int64_t channel) const { return pick(mean, channel, 0); }
  double std_of(int64_t channel) const { return pick(std, channel, 1); }
  bool operator==(const Preprocess&) const = default;

 private:
  static double pick(const std::vector<double>& values, int64_t channel, double otherwise) {
    if (values.empty()) return otherwise;
    return values[values.size() == 1 ? 0 : static_cast<size_t>(channel)];
  }
};

/// The values that an image's bytes can take after preprocessing, per channel; for z-box bounds.
struct ValueRange {
  std::vector<double> low, high;
};
ValueRange value_range(const Preprocess& preprocess, int64_t channels);

/// What `--preprocess` names: torchvision, keras-caffe, keras-tf, none, or a JSON file.
/// Throws Error(usage) naming the choices.
Preprocess load_preprocess(const std::string& name_or_path);

/// The JSON object {layout, color, resize, crop, scale, mean, std, labels}; `name` stands for the file in
/// messages. Throws Error(bad_file), for an unknown key with the valid ones.
Preprocess parse_preprocess(std::string_view json, const std::string& name);

/// The file MODEL.json beside MODEL.onnx, where there is one.
std::optional<std::string> find_sidecar(const std::string& model_path);

}  // namespace onnxray::cli
