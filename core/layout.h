#pragma once

#include "core/plan.h"

namespace onnxray {

/// Chooses row-major or channels-last for every variable, so that sliding windows find their data
/// channels-last and few copies are needed; inserts those copies. Returns strides by variable.
std::vector<Strides> assign_layouts(Program& program, const PlanOptions& options);

}  // namespace onnxray
