#pragma once

#include <optional>

#include "backends/onednn/dnnl_compat.h"
#include "core/expression.h"

namespace onnxray::onednn {

/// Of x + r, of x cut off, or of both in this order, where x is input 0 and r input 1; unset for any other
/// expression.
std::optional<Ending> ending_of(const Expression& e);

}  // namespace onnxray::onednn
