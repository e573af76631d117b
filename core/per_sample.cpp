#include "core/per_sample.h"

#include <algorithm>

namespace onnxray {

namespace {

bool is_folded(const std::optional<SampleAxis>& at) { return at && at->outer * at->inner != 1; }

size_t place(const SampleAxis& at) { return static_cast<size_t>(at.axis); }

int64_t samples_along(const Shape& shape, const SampleAxis& at) {
  return shape[place(at)] / std::max<int64_t>(1, at.outer * at.inner);
}

/// The axes of one sample's entries, where the samples have an axis of their own or none.
std::vector<int64_t> entry_axes(size_t rank, const std::optional<SampleAxis>& at) {
  std::vector<int64_t> axes = axes_from(0, rank);
  if (at) axes.erase(axes.begin() + at->axis);
  return axes;
}

/// [before * outer, N, inner * behind]
Var taken_apart(Builder& b, Var v, const SampleAxis& at) {
  const Shape shape = b.shape(v);
  return b.reshape(v, {count_between(shape, 0, place(at)) * at.outer, samples_along(shape, at),
                       at.inner * count_between(shape, place(at) + 1, shape.size())});
}

/// The extents with the samples' axis as [outer, N, inner].
Shape unfolded(const Shape& shape, const SampleAxis& at, int64_t samples) {
  Shape all(shape.begin(), shape.begin() + at.axis);
  all.insert(all.end(), {at.outer, samples, at.inner});
  all.insert(all.end(), shape.begin() + at.axis + 1, shape.end());
  return all;
}

}  // namespace

Shape one_sample(Shape shape, const std::optional<SampleAxis>& at) {
  if (at) shape[place(*at)] = at->outer * at->inner;
  return shape;
}

Var sum_per_sample(Builder& b, Var v, const std::optional<SampleAxis>& at) {
  if (is_folded(at)) return b.sum(taken_apart(b, v, *at), {0, 2}, false);
  const std::vector<int64_t> axes = entry_axes(b.rank(v), at);
  const Var sum = axes.empty() ? v : b.sum(v, axes, false);
  return at ? sum : b.reshape(sum, {1});
}

Var reduce_per_sample(Builder& b, Reduce::Kind kind, Var v, const std::optional<SampleAxis>& at) {
  const Shape shape = b.shape(v);
  if (is_folded(at)) return spread(b, b.reduce(kind, taken_apart(b, v, *at), {0, 2}, false), shape, at);
  const std::vector<int64_t> axes = entry_axes(shape.size(), at);
  return axes.empty() ? v : b.reduce(kind, v, axes);
}

Var mean_per_sample(Builder& b, Var v, const std::optional<SampleAxis>& at) {
  const Shape shape = b.shape(v);
  if (is_folded(at)) return spread(b, b.mean(taken_apart(b, v, *at), {0, 2}, false), shape, at);
  const std::vector<int64_t> axes = entry_axes(shape.size(), at);
  return axes.empty() ? v : b.mean(v, axes);
}

Var spread(Builder& b, Var numbers, Shape shape, const std::optional<SampleAxis>& at) {
  Shape column(shape.size(), 1);
  if (!at) return b.reshape(numbers, column);
  const int64_t samples = samples_along(shape, *at);
  column[place(*at)] = shape[place(*at)];
  if (!is_folded(at)) return b.reshape(numbers, column);
  return b.reshape(b.broadcast(b.reshape(numbers, {1, samples, 1}), {at->outer, samples, at->inner}), column);
}

Var repeated(Builder& b, Var one, Shape shape, const std::optional<SampleAxis>& at) {
  if (!is_folded(at)) return one;
  Shape joined = b.shape(one);
  const Var apart = b.reshape(one, unfolded(joined, *at, 1));
  const Var all = b.broadcast(apart, unfolded(joined, *at, samples_along(shape, *at)));
  joined[place(*at)] = shape[place(*at)];
  return b.reshape(all, joined);
}

}  // namespace onnxray
