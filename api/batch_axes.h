#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/plan_key.h"

namespace onnxray {

/// Where a batch comes apart: the axis of the samples in its inputs and results.
struct BatchAxes {
  std::vector<size_t> inputs, outputs;
  size_t logits = 0;
  std::map<std::string, size_t> explained;  ///< by Attribution::input
};

/// How a batch is run: in groups, where those have axes.
struct BatchGroups {
  PlanKey key;
  int64_t samples = 1, at_once = 1;
  std::optional<BatchAxes> axes = {};
};

}  // namespace onnxray
