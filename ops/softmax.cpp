#include <numeric>

#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// Before opset 13 the tensor is flattened to two axes at `axis` (default 1); afterwards one axis (default
/// -1) counts.
template <class Normalise>
void lower_along_axis(LowerContext& c, Normalise normalise) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const Shape shape = b.shape(x);
  if (c.version >= 13) return c.set(0, normalise(x, c.int_attr("axis", -1)));
  const int64_t given = c.int_attr("axis", 1);
  // Axis 1 of a vector is past its end: every entry is a row of its own. Negative axes count from the last
  // one.
  const auto axis = static_cast<size_t>(normalise_axis(given, shape.size() + (given < 0 ? 0 : 1)));
  const Var flat = b.reshape(x, {count_between(shape, 0, axis), count_between(shape, axis, shape.size())});
  c.set(0, b.reshape(normalise(flat, 1), shape));
}

void lower_softmax(LowerContext& c) {
  lower_along_axis(c, [&](Var x, int64_t axis) { return c.b.softmax(x, axis); });
}

void lower_log_softmax(LowerContext& c) {
  lower_along_axis(c, [&](Var x, int64_t axis) { return c.b.softmax(x, axis, true); });
}

/// 1 at the first largest entry, else 0.
void lower_hardmax(LowerContext& c) {
  Builder& b = c.b;
  lower_along_axis(c, [&](Var x, int64_t axis) {
    const auto at = static_cast<size_t>(normalise_axis(axis, b.rank(x)));
    Shape along(b.rank(x), 1);
    along[at] = b.shape(x)[at];
    std::vector<int64_t> places(static_cast<size_t>(along[at]));
    std::iota(places.begin(), places.end(), 0);
    return b.cast(b.equal(b.constant(Tensor::of<int64_t>(along, places)), b.arg_reduce(x, axis, true)),
                  b.dtype(x));
  });
}

}  // namespace

std::vector<OpDef> softmax_ops() {
  return {
      {"", "Softmax", {1, 11, 13}, lower_softmax, RelevanceClass::softmax},
      {"", "LogSoftmax", {1, 11, 13}, lower_log_softmax, RelevanceClass::sum},
      {"", "Hardmax", {1, 11, 13}, lower_hardmax, RelevanceClass::none},
  };
}

}  // namespace onnxray
