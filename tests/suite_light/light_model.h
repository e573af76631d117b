#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::light {

/// One of the classic image networks of ONNX's light test data: true architectures, constant weights.
struct LightModel {
  std::string name;  ///< "resnet50"
  std::filesystem::path model, expected;
};

/// Those below $ONNXRAY_ONNX_LIGHT, or ../shared/onnx_light beside the sources, by name; none where absent.
std::vector<LightModel> light_models();

/// The input that ONNX's test runner feeds: 0, 1/n, 2/n, ... in row-major order.
Tensor dummy_input(const Model& model);

Tensor read_expected(const LightModel& light);

}  // namespace onnxray::light
