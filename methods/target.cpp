#include "methods/target.h"

#include <limits>
#include <numeric>

#include "core/fail.h"
#include "methods/target_layout.h"

namespace onnxray {

TargetForm TargetSpec::form() const {
  TargetForm form(kind);
  if (kind != Kind::argmax) return form;
  form.axis = axis;
  form.in_region = !ranges.empty();
  return form;
}

namespace {

Tensor counted(Shape shape, int64_t count) {
  std::vector<int64_t> places(static_cast<size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  return Tensor::of<int64_t>(std::move(shape), places);
}

/// The permutation that puts the samples first, or with `back` puts them where they were.
std::vector<int64_t> samples_first(size_t rank, std::optional<int64_t> samples, bool back = false) {
  std::vector<int64_t> permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  if (!samples) return permutation;
  const auto begin = permutation.begin(), at = begin + *samples;
  std::rotate(begin, back ? begin + 1 : at, at + 1);
  return permutation;
}

/// `order` where the region is marked, below everything elsewhere.
Var inside(Builder& b, Var order, Var region) {
  const DType type = b.dtype(order);
  const double lowest = type == DType::f64 ? std::numeric_limits<double>::lowest()
                                           : double{std::numeric_limits<float>::lowest()};
  const Var finite = b.max(order, lowest);  // an entry of -inf is still inside
  return b.select(b.less(0.0, region), finite, b.scalar(-std::numeric_limits<double>::infinity(), type));
}

/// 1 at the largest entry along an axis, at every place.
Var largest_along(Builder& b, Var order, int64_t axis, std::optional<int64_t> samples) {
  const Shape shape = b.shape(order);
  const auto rank = std::ssize(shape) - (samples ? 1 : 0);
  require(axis >= -rank && axis < rank, ErrorCode::usage,
          "an argmax along axis {} does not fit an output of shape {}: one sample's has {} axes", axis,
          to_string(shape), rank);
  int64_t at = axis < 0 ? axis + rank : axis;
  if (samples && at >= *samples) ++at;
  Shape along(shape.size(), 1);
  along[static_cast<size_t>(at)] = shape[static_cast<size_t>(at)];
  const Var places = b.constant(counted(along, along[static_cast<size_t>(at)]));
  return b.cast(b.equal(places, b.arg_reduce(order, at, true)), b.dtype(order));
}

}  // namespace

TargetVars emit_target(Builder& b, const TargetForm& form, Var logits, Var order,
                       std::optional<int64_t> samples, const std::string& name) {
  const Shape shape = b.shape(logits);
  if (form.kind == TargetForm::Kind::mask) return {{}, b.input(name, shape, b.dtype(logits))};
  Var region;
  if (form.in_region) {
    region = b.input(name, shape, b.dtype(logits));
    order = inside(b, order, region);
  }
  if (form.axis) {
    const Var largest = largest_along(b, order, *form.axis, samples);
    return {{}, region ? b.mul(largest, region) : largest};
  }
  const TargetLayout layout(shape, samples);
  const int64_t count = layout.count, entries = layout.entries();
  Var index;
  if (form.kind == TargetForm::Kind::argmax) {
    const Var flat = b.reshape(b.transpose(order, samples_first(shape.size(), samples)), {count, entries});
    index = b.reshape(b.arg_reduce(flat, 1, true), {count});
  } else {
    index = b.input(name, {count}, DType::i64);
  }
  const Var chosen = b.equal(b.constant(counted({1, entries}, entries)), b.reshape(index, {count, 1}));
  Shape leading = layout.entry;
  if (samples) leading.insert(leading.begin(), count);
  return {index, b.transpose(b.reshape(b.cast(chosen, b.dtype(logits)), leading),
                             samples_first(shape.size(), samples, true))};
}

}  // namespace onnxray
