#include "ops/broadcast.h"

#include "core/fail.h"

namespace onnxray {

Var broadcast_operand(const LowerContext& c, size_t i, const Shape& shape) {
  require(broadcast_shapes(c.shape(i), shape) == shape, ErrorCode::bad_file,
          "input {} of shape {} does not broadcast to {}", i, to_string(c.shape(i)), to_string(shape));
  return c.input(i);
}

}  // namespace onnxray
