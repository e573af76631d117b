#pragma once

#include "ops/op.h"

namespace onnxray {

/// The second operand of a binary node. Before opset 7 it broadcast only where the node asked for it, its
/// first axis aligned with `axis` of the first operand; since then numpy's rules hold and this is input 1
/// itself.
Var second_operand(LowerContext& context);

/// Input i, which must broadcast to `shape` without enlarging it. Throws Error(bad_file) where it does not.
Var broadcast_operand(const LowerContext& context, size_t i, const Shape& shape);

}  // namespace onnxray
