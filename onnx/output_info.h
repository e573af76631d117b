#pragma once

#include "core/graph.h"

namespace onnxray {

/// What a model's file says about one of its outputs; nothing is computed from it.
struct OutputInfo {
  InputInfo declared;
  std::optional<DType> dtype;
};

}  // namespace onnxray
