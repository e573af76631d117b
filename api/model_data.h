#pragma once

#include "api/onnxray.h"
#include "onnx/import.h"

namespace onnxray {

struct Model::Data {
  ImportedModel imported;
};

}  // namespace onnxray
