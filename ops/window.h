#pragma once

#include "ops/op.h"

namespace onnxray {

/// The window that a Conv- or pool-like node describes over the spatial axes of `x`: kernel, strides,
/// dilations and pads with auto_pad resolved. `ceil_mode` enlarges pads_end until the floor formula gives the
/// ceiling.
Window read_window(const LowerContext& context, const Shape& x, Shape kernel, bool ceil_mode = false);

}  // namespace onnxray
