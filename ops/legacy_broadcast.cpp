#include "ops/legacy_broadcast.h"

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

}  // namespace onnxray
