#include "backward/vjp.h"

namespace onnxray {

// Max pooling is linear once its winners are fixed: scatter and gather at the winners are adjoint to each
// other.

void vjp_pool(const VjpContext& context, const MaxPool& p) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  context.send(x,
               context.b.max_pool_scatter(context.cotangents[0], context.y(1), p.window, context.b.shape(x)));
}

void vjp_pool(const VjpContext& context, const MaxPoolScatter& p) {
  if (context.wants(0))
    context.send(context.x(0), context.b.max_pool_gather(context.cotangents[0], context.x(1), p.window));
}

void vjp_pool(const VjpContext& context, const MaxPoolGather& p) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  context.send(x,
               context.b.max_pool_scatter(context.cotangents[0], context.x(1), p.window, context.b.shape(x)));
}

void vjp_pool(const VjpContext& context, const SumPool& p) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  context.send(x, context.b.sum_pool_input(context.cotangents[0], p.window, context.b.shape(x)));
}

void vjp_pool(const VjpContext& context, const SumPoolInput& p) {
  if (context.wants(0)) context.send(context.x(0), context.b.sum_pool(context.cotangents[0], p.window));
}

}  // namespace onnxray
