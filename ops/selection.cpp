#include <algorithm>
#include <array>
#include <numeric>

#include "core/fail.h"
#include "core/total_order.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// What decides how much a node selects must be known before anything runs: a constant, or an input that
/// nothing else reads.
const Tensor& known(LowerContext& c, size_t i) {
  const Tensor* value = c.b.constant(c.input(i));
  require(value != nullptr, ErrorCode::unsupported,
          "how much it selects depends on the data; cut the model before it, at the scores to explain, or "
          "choose an output that does not need it (--output)");
  return *value;
}

double number(LowerContext& c, size_t i, double fallback) {
  return c.has(i) && known(c, i).size() > 0 ? known(c, i).as_double(0) : fallback;
}

struct Box {
  double y1, x1, y2, x2;
  double area() const { return (y2 - y1) * (x2 - x1); }
};

/// Box n of a batch entry: two opposite corners (y, x, y, x), or its centre and extents (x, y, w, h).
Box box_at(const Tensor& boxes, int64_t n, bool from_centre) {
  std::array<double, 4> v{};
  for (int64_t i = 0; i < 4; ++i) v[static_cast<size_t>(i)] = boxes.as_double(4 * n + i);
  if (from_centre) return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

/// Intersection over union.
double overlap(const Box& a, const Box& b) {
  const double h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1),
               w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (h <= 0 || w <= 0) return 0;
  return h * w / (a.area() + b.area() - h * w);
}

// boxes [B,N,4], scores [B,C,N] -> (entry, class, box) of each box that no better one of its class covers
void lower_non_max_suppression(LowerContext& c) {
  const Tensor &boxes = known(c, 0), &scores = known(c, 1);
  require(boxes.shape().size() == 3 && scores.shape().size() == 3 && boxes.shape()[2] == 4 &&
              boxes.shape()[0] == scores.shape()[0] && boxes.shape()[1] == scores.shape()[2],
          ErrorCode::bad_file, "boxes {} and scores {} where [B,N,4] and [B,C,N] are needed",
          to_string(boxes.shape()), to_string(scores.shape()));
  const int64_t count = boxes.shape()[1], classes = scores.shape()[1];
  const double most = number(c, 2, 0), allowed = number(c, 3, 0);
  const bool has_floor = c.has(4);
  const double floor = number(c, 4, 0);
  const bool from_centre = c.int_attr("center_point_box", 0) != 0;
  constexpr double kFlopsPerPair = 12;
  const double rows = static_cast<double>(scores.shape()[0] * classes), pairs = static_cast<double>(count);
  c.b.claim_flops(rows * pairs * std::min(pairs, std::max(most, 1.0)) * kFlopsPerPair);
  std::vector<int64_t> selected;
  for (int64_t row = 0; row < scores.shape()[0] * classes; ++row) {
    const auto score = [&](int64_t n) { return scores.as_double(row * count + n); };
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::erase_if(order, [&](int64_t n) { return has_floor && !(score(n) > floor); });
    std::ranges::stable_sort(order, [&](int64_t a, int64_t b) { return orders_before(score(b), score(a)); });
    std::vector<Box> kept;
    for (const int64_t n : order) {
      if (static_cast<double>(kept.size()) >= most) break;
      const Box box = box_at(boxes, row / classes * count + n, from_centre);
      if (std::ranges::any_of(kept, [&](const Box& k) { return overlap(k, box) > allowed; })) continue;
      kept.push_back(box);
      selected.insert(selected.end(), {row / classes, row % classes, n});
    }
  }
  c.set(0, c.b.constant(Tensor::of<int64_t>({std::ssize(selected) / 3, 3}, selected)));
}

/// The distinct slices along an axis: where each first stands, how many it stands for, which one each slice
/// is.
struct Distinct {
  std::vector<int64_t> first, count, inverse;
};

/// Equal slices, found by sorting; a NaN is equal to another. slices[i]: the i-th slice.
template <class E>
Distinct distinct(const std::vector<std::vector<E>>& slices, bool sorted) {
  const auto before = [&](int64_t a, int64_t b) {
    return std::ranges::lexicographical_compare(slices[static_cast<size_t>(a)],
                                                slices[static_cast<size_t>(b)], orders_before<E>);
  };
  std::vector<int64_t> order(slices.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, before);
  std::vector<std::vector<int64_t>> groups;
  for (const int64_t i : order) {
    if (groups.empty() || before(groups.back()[0], i)) groups.emplace_back();
    groups.back().push_back(i);
  }
  if (!sorted) std::ranges::sort(groups, {}, [](const auto& group) { return group[0]; });
  Distinct result;
  result.inverse.resize(slices.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    result.first.push_back(groups[g][0]);
    result.count.push_back(std::ssize(groups[g]));
    for (const int64_t i : groups[g]) result.inverse[static_cast<size_t>(i)] = static_cast<int64_t>(g);
  }
  return result;
}

/// The slices of x, seen as `shape`, along `axis`; entry(i) is x's i-th entry.
template <class F>
auto slices_along(const Shape& shape, size_t axis, const F& entry) {
  const int64_t inner = count_between(shape, axis + 1, shape.size()), outer = count_between(shape, 0, axis);
  std::vector<std::vector<decltype(entry(int64_t{0}))>> slices(static_cast<size_t>(shape[axis]));
  for (int64_t i = 0; i < shape[axis]; ++i) {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t k = 0; k < inner; ++k)
        slices[static_cast<size_t>(i)].push_back(entry((o * shape[axis] + i) * inner + k));
    }
  }
  return slices;
}

/// Integers are compared as such: a double would not tell large ones apart.
Distinct distinct_along(const Tensor& x, const Shape& shape, size_t axis, bool sorted) {
  if (is_floating(x.dtype()))
    return distinct(slices_along(shape, axis, [&](int64_t i) { return x.as_double(i); }), sorted);
  if (x.dtype() == DType::u64)
    return distinct(
        slices_along(shape, axis, [&](int64_t i) { return static_cast<uint64_t>(x.as_int64(i)); }), sorted);
  return distinct(slices_along(shape, axis, [&](int64_t i) { return x.as_int64(i); }), sorted);
}

// x -> the distinct elements, or slices along an axis; first places, inverse, counts
void lower_unique(LowerContext& c) {
  const Tensor& x = known(c, 0);
  const bool flat = !c.has_attr("axis");
  const Shape shape = flat ? Shape{x.size()} : x.shape();
  const int64_t axis = flat ? 0 : normalise_axis(c.int_attr("axis", 0), shape.size());
  const auto a = static_cast<size_t>(axis);
  const Distinct found = distinct_along(x, shape, a, c.int_attr("sorted", 1) != 0);
  const auto ints = [&](const std::vector<int64_t>& values) {
    return c.b.constant(Tensor::of<int64_t>({std::ssize(values)}, values));
  };
  const Var first = ints(found.first);
  c.set(0, c.b.gather(c.b.reshape(c.input(0), shape), first, axis));
  c.set(1, first);
  c.set(2, ints(found.inverse));
  c.set(3, ints(found.count));
}

}  // namespace

std::vector<OpDef> selection_ops() {
  using enum RelevanceClass;
  return {
      {"", "NonMaxSuppression", {10, 11}, lower_non_max_suppression, none, {0, 1, 2, 3, 4}},
      {"", "Unique", {11, 28}, lower_unique, none, {0}},
  };
}

}  // namespace onnxray
