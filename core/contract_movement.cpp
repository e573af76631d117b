#include <algorithm>

#include "core/checked.h"
#include "core/contract.h"

// What only moves entries, or chooses them.

namespace onnxray::contract {

namespace {

/// Whether `inner` places at starts + i * steps stay inside `outer`.
void check_places(const Operands& o, const Shape& outer, const std::vector<int64_t>& starts,
                  const std::vector<int64_t>& steps, const Shape& inner) {
  o.expect_rank(starts.size(), outer);
  o.expect_rank(steps.size(), outer);
  o.expect_rank(inner.size(), outer);
  for (size_t i = 0; i < outer.size(); ++i) {
    if (inner[i] == 0) continue;
    const int64_t last = checked_sum(starts[i], checked_product(inner[i] - 1, steps[i]));
    o.expect(steps[i] != 0 && starts[i] >= 0 && starts[i] < outer[i] && last >= 0 && last < outer[i],
             "it leaves an axis");
  }
}

/// The shape of x with the index's in the place of `axis`.
Shape picked(const Shape& x, size_t axis, const Shape& index) {
  const auto at = x.begin() + static_cast<int64_t>(axis);
  Shape shape(x.begin(), at);
  shape.insert(shape.end(), index.begin(), index.end());
  shape.insert(shape.end(), at + 1, x.end());
  return shape;
}

void check_index(const Operands& o, size_t i) { o.expect(!is_floating(o.in_type(i)), "indices are reals"); }

/// Whether each lane of `index` along `axis` has one of `shape` beside it.
void check_lanes(const Operands& o, const Shape& shape, const Shape& index, int64_t axis) {
  o.expect_axis(axis, shape);
  bool fits = index.size() == shape.size();
  for (size_t a = 0; fits && a < shape.size(); ++a)
    fits = static_cast<int64_t>(a) == axis || index[a] <= shape[a];
  o.expect(fits, "no other axis may be longer");
}

void check_table(const Operands& o, const AxisTable& table) {
  o.expect(table.in >= 0 && table.out >= 0 && std::ssize(table.offsets) == table.out + 1 &&
               table.offsets.front() == 0 && table.offsets.back() == std::ssize(table.index) &&
               table.weight.size() == table.index.size() && std::ranges::is_sorted(table.offsets),
           "the table is broken");
  const bool inside = std::ranges::all_of(table.index, [&](int64_t at) { return at >= 0 && at < table.in; });
  o.expect(inside, "the table reads outside of the axis");
}

}  // namespace

void check(const Reshape& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect(o.out() == p.shape && element_count(o.in(0)) == element_count(p.shape),
           "the numbers of entries differ");
}

void check(const Transpose& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect_rank(p.permutation.size(), o.in(0));
  std::vector<int64_t> sorted = p.permutation;
  std::ranges::sort(sorted);
  Shape shape;
  for (size_t i = 0; i < sorted.size(); ++i) {
    o.expect(sorted[i] == static_cast<int64_t>(i), "it is no permutation");
    shape.push_back(o.in(0)[static_cast<size_t>(p.permutation[i])]);
  }
  o.expect(o.out() == shape, "the result has another shape");
}

void check(const Broadcast& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect(o.out() == p.shape && broadcast_shapes(o.in(0), p.shape) == p.shape,
           "the operand does not broadcast");
}

void check(const Slice& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect(o.out() == p.shape, "the result has another shape");
  check_places(o, o.in(0), p.starts, p.steps, p.shape);
}

void check(const Place& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect(o.out() == p.shape, "the result has another shape");
  check_places(o, p.shape, p.starts, p.steps, o.in(0));
}

void check(const Concat& p, const Operands& o) {
  o.expect_counts(1, std::numeric_limits<size_t>::max(), 1);
  const size_t axis = o.expect_axis(p.axis, o.out());
  Shape joined = o.out();
  joined[axis] = 0;
  for (size_t i = 0; i < o.inputs(); ++i) {
    o.expect_rank(o.in(i).size(), joined);
    Shape expected = o.in(i);
    expected[axis] = joined[axis];
    o.expect(expected == joined, "they differ along other axes");
    joined[axis] = checked_sum(joined[axis], o.in(i)[axis]);
  }
  o.expect(joined == o.out(), "the result has another shape");
}

void check(const Gather& p, const Operands& o) {
  o.expect_counts(2, 2, 1);
  check_index(o, 1);
  o.expect(o.out() == picked(o.in(0), o.expect_axis(p.axis, o.in(0)), o.in(1)),
           "the result has another shape");
}

void check(const GatherAdjoint& p, const Operands& o) {
  o.expect_counts(2, 2, 1);
  check_index(o, 1);
  const size_t axis = o.expect_axis(p.axis, o.out());
  o.expect(o.out()[axis] == p.extent && o.in(0) == picked(o.out(), axis, o.in(1)),
           "the result has another shape");
}

void check(const RavelIndex& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  check_index(o, 0);
  const Shape& tuples = o.in(0);
  o.expect(!tuples.empty() && !p.extents.empty() && tuples.back() == std::ssize(p.extents),
           "a tuple has not one entry for each axis");
  element_count(p.extents);  // refuses what cannot be counted
  o.expect(o.out() == Shape(tuples.begin(), tuples.end() - 1), "the result has another shape");
}

void check(const GatherElements& p, const Operands& o) {
  o.expect_counts(2, 2, 1);
  check_index(o, 1);
  check_lanes(o, o.in(0), o.in(1), p.axis);
  o.expect(o.out() == o.in(1), "the result has another shape");
}

void check(const ScatterElements& p, const Operands& o) {
  o.expect_counts(3, 3, 1);
  check_index(o, 1);
  if (o.in(1) != o.in(2))
    o.refuse(fmt::format("indices {} for updates {}", to_string(o.in(1)), to_string(o.in(2))));
  check_lanes(o, o.in(0), o.in(1), p.axis);
  o.expect(o.out() == o.in(0), "the result has another shape");
}

void check(const AxisMap& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  const size_t axis = o.expect_axis(p.axis, o.in(0));
  check_table(o, *p.table);
  Shape shape = o.in(0);
  o.expect(shape[axis] == p.table->in, "the table is of another extent");
  shape[axis] = p.table->out;
  o.expect(o.out() == shape, "the result has another shape");
}

void check(const Noise& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  check_index(o, 0);
  Shape shape = o.in(0);
  shape.insert(shape.end(), p.shape.begin(), p.shape.end());
  o.expect(o.out() == shape, "the result has another shape");
}

}  // namespace onnxray::contract
