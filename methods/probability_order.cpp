#include "methods/probability_order.h"

#include <algorithm>
#include <numeric>

namespace onnxray {

namespace {

/// Whether a sample has one position: its classes, and nothing else.
bool is_one_position(const Shape& shape, const std::vector<int64_t>& axes, std::optional<int64_t> samples) {
  int wide = 0;
  for (size_t k = 0; k < shape.size(); ++k) {
    const auto axis = static_cast<int64_t>(k);
    const bool counts = axis != samples && std::ranges::find(axes, axis) == axes.end();
    wide += counts && shape[k] != 1 ? 1 : 0;
  }
  // Where the classes' axis is not known, one axis may be theirs.
  return wide <= (axes.empty() ? 1 : 0);
}

/// log p_i / (1 - p_i) = x_i - log sum over j != i of exp x_j
///                     = x_i - m - log(sum over j != i of exp(x_j - m)), m = max x
/// The sum is taken without the largest entry where that is i, and as a difference of at least 1 elsewhere:
/// neither cancels.
Var log_odds(Builder& b, Var x, int64_t axis) {
  const Shape shape = b.shape(x);
  Shape along(shape.size(), 1);
  along[static_cast<size_t>(axis)] = shape[static_cast<size_t>(axis)];
  std::vector<int64_t> places(static_cast<size_t>(shape[static_cast<size_t>(axis)]));
  std::iota(places.begin(), places.end(), 0);
  const Var is_largest = b.equal(b.constant(Tensor::of<int64_t>(along, places)), b.arg_reduce(x, axis, true));
  const Var shifted = b.sub(x, b.reduce(Reduce::Kind::max, x, {axis}));
  const Var e = b.exp(shifted);
  const Var others_of_largest = b.sum(b.select(is_largest, b.scalar(0, b.dtype(x)), e), {axis});
  const Var others = b.select(is_largest, others_of_largest, b.sub(b.sum(e, {axis}), e));
  return b.sub(shifted, b.unary(Opcode::log, others));
}

}  // namespace

Var probability_order(Builder& b, const Head& head, Var logits, Var output, std::optional<int64_t> samples) {
  if (head.kind != Head::Kind::softmax || !head.is_whole || head.is_kept) return logits;
  if (is_one_position(b.shape(logits), head.axes, samples)) return logits;
  if (head.axes.size() == 1) return log_odds(b, logits, head.axes[0]);
  return is_floating(b.dtype(output)) ? b.cast(output, b.dtype(logits)) : logits;
}

}  // namespace onnxray
