#include "ops/broadcast.h"

#include "core/fail.h"

namespace onnxray {

Var second_operand(LowerContext& c) {
  const Var other = c.input(1);
  if (c.version >= 7 || c.int_attr("broadcast", 0) == 0 || !c.has_attr("axis")) return other;
  const size_t rank = c.shape(0).size();
  const auto axis = static_cast<size_t>(normalise_axis(c.int_attr("axis", 0), rank));
  Shape shape = c.b.shape(other);
  while (axis + shape.size() < rank) shape.push_back(1);
  return c.b.reshape(other, shape);
}

Var broadcast_operand(const LowerContext& c, size_t i, const Shape& shape) {
  require(broadcast_shapes(c.shape(i), shape) == shape, ErrorCode::bad_file,
          "input {} of shape {} does not broadcast to {}", i, to_string(c.shape(i)), to_string(shape));
  return c.input(i);
}

}  // namespace onnxray
