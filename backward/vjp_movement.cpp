#include "backward/vjp.h"

namespace onnxray {

void vjp_movement(const VjpContext& context, const Reshape&) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  context.send(x, context.b.reshape(context.cotangents[0], context.b.shape(x)));
}

void vjp_movement(const VjpContext& context, const Transpose& p) {
  if (!context.wants(0)) return;
  std::vector<int64_t> inverse(p.permutation.size());
  for (size_t i = 0; i < inverse.size(); ++i)
    inverse[static_cast<size_t>(p.permutation[i])] = static_cast<int64_t>(i);
  context.send(context.x(0), context.b.transpose(context.cotangents[0], inverse));
}

void vjp_movement(const VjpContext& context, const Broadcast&) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  context.send(x, context.b.sum_to_shape(context.cotangents[0], context.b.shape(x)));
}

void vjp_movement(const VjpContext& context, const Slice& p) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  context.send(x, context.b.place(context.cotangents[0], p.starts, p.steps, context.b.shape(x)));
}

void vjp_movement(const VjpContext& context, const Place& p) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  context.send(x, context.b.slice(context.cotangents[0], p.starts, p.steps, context.b.shape(x)));
}

void vjp_movement(const VjpContext& context, const Concat& p) {
  int64_t begin = 0;
  for (size_t i = 0; i < context.step.inputs.size(); ++i) {
    const Var x = context.x(i);
    const int64_t end = begin + context.b.shape(x)[static_cast<size_t>(p.axis)];
    if (context.wants(i)) context.send(x, context.b.slice_axis(context.cotangents[0], p.axis, begin, end));
    begin = end;
  }
}

void vjp_movement(const VjpContext& context, const AxisMap& p) {
  if (!context.wants(0)) return;
  const auto table = std::make_shared<const AxisTable>(transposed(*p.table));
  context.send(context.x(0), context.b.axis_map(context.cotangents[0], p.axis, table));
}

}  // namespace onnxray
