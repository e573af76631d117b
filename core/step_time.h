#pragma once

#include <string>
#include <vector>

namespace onnxray {

/// What a step is, how long it took, and its arithmetic (core/cost.h).
struct StepTime {
  std::string step;
  double milliseconds = 0, flops = 0;
};
using StepTimes = std::vector<StepTime>;

}  // namespace onnxray
