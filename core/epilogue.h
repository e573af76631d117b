#pragma once

#include <vector>

#include "core/plan.h"

namespace onnxray {

/// By step of a plan: the number of a later elementwise step of one operand that can be part of it, since
/// nobody else reads what it continues and both results lie in the same bytes. -1 where there is none.
std::vector<int64_t> find_epilogues(const Plan& plan);

}  // namespace onnxray
