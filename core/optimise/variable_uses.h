#pragma once

#include <vector>

#include "core/program.h"

namespace onnxray {

/// By variable: how often it is read, by steps, as a result and by the hand-over of a loop.
std::vector<int64_t> count_readers(const Program& program);

/// By variable: the step that writes it; -1 for inputs and constants.
std::vector<int64_t> find_writers(const Program& program);

}  // namespace onnxray
