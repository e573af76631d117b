#include <algorithm>
#include <utility>

#include "core/builder.h"
#include "core/checked.h"

// Shape and movement; the arithmetic is in builder.cpp.

namespace onnxray {

Var Builder::reshape(Var x, Shape target) {
  if (shape(x) == target) return x;
  require(element_count(shape(x)) == element_count(target), ErrorCode::bad_file, "cannot reshape {} to {}",
          to_string(shape(x)), to_string(target));
  if (const Tensor* t = constant(x)) return constant(t->reshaped(std::move(target)), program_[x].label);
  Shape out = target;
  return emit(Reshape{std::move(target)}, {x}, std::move(out), dtype(x));
}

Var Builder::transpose(Var x, std::vector<int64_t> permutation) {
  require(permutation.size() == rank(x), ErrorCode::bad_file, "permutation {} of a tensor {}",
          to_string(permutation), to_string(shape(x)));
  std::vector<bool> seen(permutation.size(), false);
  Shape out;
  for (const int64_t axis : permutation) {
    require(axis >= 0 && axis < static_cast<int64_t>(seen.size()) && !seen[static_cast<size_t>(axis)],
            ErrorCode::bad_file, "{} is not a permutation", to_string(permutation));
    seen[static_cast<size_t>(axis)] = true;
    out.push_back(shape(x)[static_cast<size_t>(axis)]);
  }
  if (std::ranges::is_sorted(permutation)) return x;
  return emit(Transpose{std::move(permutation)}, {x}, std::move(out), dtype(x));
}

Var Builder::broadcast(Var x, Shape target) {
  if (shape(x) == target) return x;
  require(broadcast_shapes(shape(x), target) == target, ErrorCode::bad_file, "cannot broadcast {} to {}",
          to_string(shape(x)), to_string(target));
  Shape out = target;
  return emit(Broadcast{std::move(target)}, {x}, std::move(out), dtype(x));
}

namespace {

/// Whether every place is taken from, or goes to, the same place.
bool stays(const std::vector<int64_t>& starts, const std::vector<int64_t>& steps) {
  return std::ranges::all_of(starts, [](int64_t s) { return s == 0; }) &&
         std::ranges::all_of(steps, [](int64_t s) { return s == 1; });
}

}  // namespace

Var Builder::slice(Var x, std::vector<int64_t> starts, std::vector<int64_t> steps, Shape target) {
  if (stays(starts, steps) && target == shape(x)) return x;
  Shape out = target;
  return emit(Slice{std::move(starts), std::move(steps), std::move(target)}, {x}, std::move(out), dtype(x));
}

Var Builder::slice_axis(Var x, int64_t axis, int64_t begin, int64_t end) {
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(x)));
  std::vector<int64_t> starts(rank(x), 0), steps(rank(x), 1);
  Shape target = shape(x);
  starts[at] = begin;
  target[at] = checked_difference(end, begin);
  return slice(x, std::move(starts), std::move(steps), std::move(target));
}

Var Builder::place(Var x, std::vector<int64_t> starts, std::vector<int64_t> steps, Shape target,
                   double fill) {
  if (stays(starts, steps) && target == shape(x)) return x;
  Shape out = target;
  return emit(Place{std::move(starts), std::move(steps), std::move(target), fill}, {x}, std::move(out),
              dtype(x));
}

Var Builder::concat(std::span<const Var> xs, int64_t axis) {
  require(!xs.empty(), ErrorCode::bad_file, "concat of nothing");
  if (xs.size() == 1) return xs[0];
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(xs[0])));
  Shape out = shape(xs[0]);
  out[at] = 0;
  for (const Var x : xs) {
    Shape expected = shape(x);
    require(expected.size() == out.size(), ErrorCode::bad_file, "concat of {} and {}",
            to_string(shape(xs[0])), to_string(shape(x)));
    const int64_t extent = std::exchange(expected[at], out[at]);
    require(expected == out, ErrorCode::bad_file, "concat of {} and {} along axis {}",
            to_string(shape(xs[0])), to_string(shape(x)), at);
    out[at] = checked_sum(out[at], extent);
  }
  return emit(Concat{static_cast<int64_t>(at)}, {xs.begin(), xs.end()}, std::move(out), dtype(xs[0]));
}

namespace {

/// Whether the indices, where they are known, lie inside axis `axis` of a tensor of `shape`.
void check_indices(const Tensor* known, const Shape& shape, int64_t axis) {
  if (known == nullptr) return;
  const int64_t extent = shape[static_cast<size_t>(axis)];
  for (int64_t i = 0; i < known->size(); ++i) {
    const int64_t index = known->as_int64(i);
    require(index >= -extent && index < extent, ErrorCode::bad_file, "index {} is outside axis {} of {}",
            index, axis, to_string(shape));
  }
}

}  // namespace

Var Builder::gather(Var x, Var index, int64_t axis) {
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(x)));
  check_indices(constant(index), shape(x), static_cast<int64_t>(at));
  Shape out(shape(x).begin(), shape(x).begin() + static_cast<int64_t>(at));
  out.insert(out.end(), shape(index).begin(), shape(index).end());
  out.insert(out.end(), shape(x).begin() + static_cast<int64_t>(at) + 1, shape(x).end());
  return emit(Gather{static_cast<int64_t>(at)}, {x, index}, std::move(out), dtype(x));
}

Var Builder::gather_adjoint(Var g, Var index, int64_t axis, int64_t extent) {
  const int64_t at = axis, after = axis + static_cast<int64_t>(rank(index));
  require(at >= 0 && after <= std::ssize(shape(g)), ErrorCode::bad_file,
          "gather_adjoint of {} at indices {} from axis {} on", to_string(shape(g)), to_string(shape(index)),
          at);
  Shape out(shape(g).begin(), shape(g).begin() + at);
  out.push_back(extent);
  out.insert(out.end(), shape(g).begin() + after, shape(g).end());
  check_indices(constant(index), out, at);
  return emit(GatherAdjoint{axis, extent}, {g, index}, std::move(out), dtype(g));
}

Var Builder::ravel_index(Var index, Shape extents) {
  const Shape& tuples = shape(index);
  require(!tuples.empty() && tuples.back() == std::ssize(extents) && !extents.empty(), ErrorCode::bad_file,
          "index tuples {} in a tensor {}", to_string(tuples), to_string(extents));
  element_count(extents);  // refuses what cannot be counted
  Shape out(tuples.begin(), tuples.end() - 1);
  if (const Tensor* known = constant(index)) {
    for (int64_t i = 0; i < known->size(); ++i) {
      const auto axis = static_cast<size_t>(i % tuples.back());
      const int64_t entry = known->as_int64(i);
      require(entry >= -extents[axis] && entry < extents[axis], ErrorCode::bad_file,
              "index {} is outside axis {} of {}", entry, axis, to_string(extents));
    }
  }
  return emit(RavelIndex{std::move(extents)}, {index}, std::move(out), DType::i64);
}

Var Builder::gather_elements(Var x, Var index, int64_t axis) {
  axis = normalise_axis(axis, rank(x));
  check_indices(constant(index), shape(x), axis);
  return emit(GatherElements{axis}, {x, index}, shape(index), dtype(x));
}

Var Builder::scatter_elements(ScatterElements::Kind kind, Var x, Var index, Var updates, int64_t axis) {
  axis = normalise_axis(axis, rank(x));
  check_indices(constant(index), shape(x), axis);
  return emit(ScatterElements{kind, axis}, {x, index, updates}, shape(x), dtype(x));
}

Var Builder::axis_map(Var x, int64_t axis, std::shared_ptr<const AxisTable> table) {
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(x)));
  Shape out = shape(x);
  out[at] = table->out;
  return emit(AxisMap{static_cast<int64_t>(at), std::move(table)}, {x}, std::move(out), dtype(x));
}

Var Builder::noise(Noise::Kind kind, uint64_t seed, Var sample, Shape target, DType type) {
  Shape out = shape(sample);
  out.insert(out.end(), target.begin(), target.end());
  return emit(Noise{kind, seed, std::move(target)}, {sample}, std::move(out), type);
}

}  // namespace onnxray
