#include "rules/stabilise.h"

#include <cmath>

#include "backward/where_arrived.h"

namespace onnxray {

namespace {

void add_to(Builder& b, Var& total, Var term) {
  const Var sum = b.reshape(b.sum(term, {}), {1});
  total = total ? b.add(total, sum) : sum;
}

}  // namespace

Var per_unit(const NodeContext& context, Var R, Var z) {
  Builder& b = context.b;
  bool guarded = false;
  for (size_t i = 0; i < context.input_count(); ++i)
    guarded |= context.wants(i) && context.may_be_infinite(context.input(i));
  const Var s = b.div(R, z);
  return guarded ? where_arrived(b, R, s) : s;
}

Var contribution(const NodeContext& context, size_t i, Var share) {
  Builder& b = context.b;
  const Var x = context.input(i), product = b.mul(x, share);
  return context.may_be_infinite(x) ? where_arrived(b, share, product) : product;
}

void enter_losses(NodeContext& context, Var s, Var z, Var D, Var bias) {
  Ledger* books = context.ledger();
  if (!books) return;
  Builder& b = context.b;
  add_to(b, books->stabiliser, where_arrived(b, s, b.mul(s, b.sub(D, z))));
  // Only where relevance arrives do denominators matter.
  const Var size = b.select(b.equal(s, 0.0), b.scalar(INFINITY, b.dtype(D)), b.abs(D));
  const Var least = b.reshape(b.reduce(Reduce::Kind::min, size, {}), {1});
  books->smallest = books->smallest ? b.min(books->smallest, least) : least;
  if (!bias) return;
  add_to(b, books->bias, where_arrived(b, s, b.mul(s, bias)));
  const Var crosses =
      b.mul(b.cast(b.less(b.mul(D, b.sub(z, bias)), 0.0), b.dtype(s)), b.abs(b.unary(Opcode::sign, s)));
  add_to(b, books->crossings, crosses);
}

void enter_dropped(NodeContext& context, Var R) {
  if (Ledger* books = context.ledger()) add_to(context.b, books->stabiliser, R);
}

void enter_constant(NodeContext& context, Var R) {
  if (Ledger* books = context.ledger()) add_to(context.b, books->bias, R);
}

Var divided(NodeContext& context, Var R, Var z, Conventions::Stabiliser stabiliser, Var bias, double weight) {
  Builder& b = context.b;
  const Var D = denominator(b, z, stabiliser);
  Var s = b.div(R, D);
  if (context.may_be_infinite(context.output())) s = where_arrived(b, R, s);
  if (weight != 1) s = b.mul(s, weight);
  enter_losses(context, s, z, D, bias);
  return s;
}

}  // namespace onnxray
