#include <numeric>

#include "ops/families.h"
#include "ops/old_opsets.h"

namespace onnxray {

namespace {

void lower_softmax(LowerContext& c) { c.set(0, c.b.softmax(c.input(0), c.int_attr("axis", -1))); }

void lower_log_softmax(LowerContext& c) { c.set(0, c.b.softmax(c.input(0), c.int_attr("axis", -1), true)); }

/// 1 at the first largest entry, else 0.
void lower_hardmax(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const auto axis = static_cast<size_t>(normalise_axis(c.int_attr("axis", -1), b.rank(x)));
  Shape along(b.rank(x), 1);
  along[axis] = b.shape(x)[axis];
  std::vector<int64_t> places(static_cast<size_t>(along[axis]));
  std::iota(places.begin(), places.end(), 0);
  const Var first = b.arg_reduce(x, static_cast<int64_t>(axis), true);
  c.set(0, b.cast(b.equal(b.constant(Tensor::of<int64_t>(along, places)), first), b.dtype(x)));
}

}  // namespace

std::vector<OpDef> softmax_ops() {
  using enum RelevanceClass;
  const auto along_one_axis = [](OpDef op) {
    return with_old_form(std::move(op), 13, expand_flattened_softmax);
  };
  return {
      along_one_axis({"", "Softmax", {1, 11, 13}, lower_softmax, softmax}),
      along_one_axis({"", "LogSoftmax", {1, 11, 13}, lower_log_softmax, sum}),
      along_one_axis({"", "Hardmax", {1, 11, 13}, lower_hardmax, none}),
  };
}

}  // namespace onnxray
