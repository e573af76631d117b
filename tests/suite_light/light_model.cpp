#include "tests/suite_light/light_model.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "onnx/tensor_proto.h"

namespace onnxray::light {

namespace fs = std::filesystem;

std::vector<LightModel> light_models() {
  const char* given = std::getenv("ONNXRAY_ONNX_LIGHT");
  const fs::path folder =
      given ? fs::path(given) : fs::path(ONNXRAY_SOURCE_DIR) / ".." / "shared" / "onnx_light";
  std::vector<LightModel> models;
  if (!fs::is_directory(folder)) return models;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".onnx" || !stem.starts_with("light_")) continue;
    models.push_back({stem.substr(6), entry.path(), folder / (stem + "_output_0.pb")});
  }
  std::ranges::sort(models, {}, &LightModel::name);
  return models;
}

Tensor dummy_input(const Model& model) {
  const ValueInfo declared = model.inputs().at(0);
  Shape shape;
  for (const auto& extent : declared.extents) shape.push_back(std::get<int64_t>(extent));
  Tensor input(DType::f32, shape);
  const auto n = static_cast<double>(input.size());
  const std::span<float> x = input.mutable_data<float>();
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<double>(i) / n);
  return input;
}

Tensor read_expected(const LightModel& light) {
  std::ifstream file(light.expected, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return tensor_from_proto_bytes(std::as_bytes(std::span(bytes)));
}

}  // namespace onnxray::light
