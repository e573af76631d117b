#include "backward/vjp.h"
#include "core/fail.h"

namespace onnxray {

void vjp_gather(const VjpContext& context, const Gather& p) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  const int64_t extent = context.b.shape(x)[static_cast<size_t>(p.axis)];
  context.send(x, context.b.gather_adjoint(context.cotangents[0], context.x(1), p.axis, extent));
}

void vjp_gather(const VjpContext& context, const GatherAdjoint& p) {
  if (context.wants(0))
    context.send(context.x(0), context.b.gather(context.cotangents[0], context.x(1), p.axis));
}

void vjp_gather(const VjpContext& context, const GatherElements& p) {
  if (!context.wants(0)) return;
  Builder& b = context.b;
  const Var x = context.x(0);
  const Var zeros = b.filled(0, b.shape(x), b.dtype(x));
  context.send(
      x, b.scatter_elements(ScatterElements::Kind::add, zeros, context.x(1), context.cotangents[0], p.axis));
}

void vjp_gather(const VjpContext& context, const ScatterElements& p) {
  Builder& b = context.b;
  const Var x = context.x(0), index = context.x(1), updates = context.x(2), g = context.cotangents[0];
  const bool replaces = p.kind == ScatterElements::Kind::replace;
  require(replaces || p.kind == ScatterElements::Kind::add, ErrorCode::unsupported,
          "the gradient of ScatterElements is known for reduction none and add only");
  if (context.wants(0)) {
    const Var zeros = b.filled(0, b.shape(updates), b.dtype(updates));
    context.send(x,
                 replaces ? b.scatter_elements(ScatterElements::Kind::replace, g, index, zeros, p.axis) : g);
  }
  if (context.wants(2)) context.send(updates, b.gather_elements(g, index, p.axis));
}

}  // namespace onnxray
