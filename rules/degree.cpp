#include "rules/degree.h"

#include <algorithm>

namespace onnxray {

namespace {

/// The running product's i-th entry has i + 1 factors, and where it excludes the entry itself, i.
Var running_degree(const NodeContext& context) {
  Builder& b = context.b;
  const Tensor* given = b.constant(context.input(1));
  const Var y = context.output();
  const auto axis = static_cast<size_t>(normalise_axis(given->as_int64(0), b.rank(y)));
  Shape along(b.rank(y), 1);
  along[axis] = b.shape(y)[axis];
  const bool exclusive = int_attribute(context.node, "exclusive", 0) != 0,
             reverse = int_attribute(context.node, "reverse", 0) != 0;
  std::vector<double> counts;
  for (int64_t i = 0; i < along[axis]; ++i)
    counts.push_back(std::max(1.0, static_cast<double>(exclusive ? i : i + 1)));
  if (reverse) std::ranges::reverse(counts);
  return b.constant(Tensor::of<double>(along, counts).to(b.dtype(y)));
}

/// What lies at a place and the updates that name it, as far as they move.
Var scattered_degree(const NodeContext& context) {
  Builder& b = context.b;
  const auto ones = [&](size_t i) {
    const Var v = context.input(i);
    return b.filled(context.wants(i) ? 1 : 0, b.shape(v), b.dtype(v));
  };
  const NodeContext::Substitute substitutes[] = {{0, ones(0)}, {2, ones(2)}};
  return b.max(context.forward(substitutes, {{"reduction", std::string("add")}}), 1.0);
}

}  // namespace

Var degree(const NodeContext& context) {
  Builder& b = context.b;
  const std::string& op = context.node.op;
  const Var y = context.output();
  if (op == "ReduceSumSquare") return b.scalar(2, b.dtype(y));
  if (op == "ReduceProd") {
    const int64_t factors =
        element_count(b.shape(context.input(0))) / std::max<int64_t>(1, element_count(b.shape(y)));
    return b.scalar(static_cast<double>(factors), b.dtype(y));
  }
  if (op == "CumProd") return running_degree(context);
  if (string_attribute(context.node, "reduction", "none") == "mul") return scattered_degree(context);
  return {};
}

}  // namespace onnxray
