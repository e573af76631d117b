#include <algorithm>

#include "core/contract.h"

// Arithmetic: what is computed of entries, not only moved. Movement is in contract_movement.cpp.

namespace onnxray::contract {

namespace {

constexpr size_t kAny = std::numeric_limits<size_t>::max();

/// [n, c, the window's places in `x`]
Shape places(const Operands& o, const Window& window, const Shape& x, int64_t n, int64_t c) {
  o.expect(x.size() >= 3, "a sliding window needs [N, C, spatial...]");
  const Shape spatial = window_output(window, std::span(x).subspan(2));
  Shape shape{n, c};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

/// x [N,C,s..], w [M,C/groups,k..], y [N,M,o..]
void check_convolution(const Operands& o, const Window& window, int64_t groups, const Shape& x,
                       const Shape& w, const Shape& y) {
  o.expect(x.size() >= 3 && w.size() == x.size(), "the ranks differ");
  o.expect(groups > 0 && w[1] == x[1] / groups && x[1] % groups == 0 && w[0] % groups == 0,
           "the channels do not fit the weight");
  o.expect(std::equal(w.begin() + 2, w.end(), window.kernel.begin(), window.kernel.end()),
           "the kernel differs from the weight's");
  o.expect(y == places(o, window, x, x[0], w[0]), "the window has other places");
}

void check_bias(const Operands& o) {
  if (o.inputs() > 2 && o.in(2) != Shape{o.in(1)[0]})
    o.refuse(fmt::format("a bias {} for {} channels", to_string(o.in(2)), o.in(1)[0]));
}

/// Whether broadcasting x to y's shape leaves that shape.
bool broadcasts(const Shape& x, const Shape& y) {
  if (x.size() > y.size()) return false;
  const size_t extra = y.size() - x.size();
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] != y[i + extra] && x[i] != 1) return false;
  }
  return true;
}

Shape with_extent(Shape shape, size_t axis, int64_t extent) {
  shape[axis] = extent;
  return shape;
}

}  // namespace

void check(const Elementwise& p, const Operands& o) {
  o.expect_counts(0, kAny, p.expression.results.size());
  for (size_t i = 0; i < o.inputs(); ++i)
    o.expect(broadcasts(o.in(i), o.out()), "an operand does not broadcast");
  for (size_t i = 1; i < o.outputs(); ++i) o.expect(o.out(i) == o.out(), "the results differ");
}

void check(const Convolution& p, const Operands& o) {
  o.expect_counts(2, 3, 1);
  check_convolution(o, p.window, p.groups, o.in(0), o.in(1), o.out());
  check_bias(o);
}

void check(const ConvolutionInput& p, const Operands& o) {
  o.expect_counts(2, 2, 1);
  o.expect(o.out() == p.shape, "the result has another shape");
  check_convolution(o, p.window, p.groups, p.shape, o.in(1), o.in(0));
}

void check(const SplitConvolution& p, const Operands& o) {
  o.expect_counts(2, 3, 2);
  check_convolution(o, p.window, 1, o.in(0), o.in(1), o.out());
  o.expect(o.out(1) == o.out(), "the results differ");
  check_bias(o);
}

void check(const SplitConvolutionInput& p, const Operands& o) {
  o.expect_counts(3, 3, 1);
  o.expect(o.out() == p.shape && o.in(0) == o.in(1), "the parts differ");
  check_convolution(o, p.window, 1, p.shape, o.in(2), o.in(0));
}

void check(const ConvolutionWeight& p, const Operands& o) {
  o.expect_counts(2, 2, 1);
  o.expect(o.out() == p.shape, "the result has another shape");
  check_convolution(o, p.window, p.groups, o.in(0), p.shape, o.in(1));
}

void check(const MatMul& p, const Operands& o) {
  o.expect_counts(2, 3, 1);
  const Shape &a = o.in(0), &b = o.in(1), &y = o.out();
  o.expect(a.size() >= 2 && b.size() >= 2 && y.size() == std::max(a.size(), b.size()), "the ranks differ");
  const auto rows = [](const Shape& s, bool t) { return s[s.size() - (t ? 1 : 2)]; };
  const auto columns = [](const Shape& s, bool t) { return s[s.size() - (t ? 2 : 1)]; };
  o.expect(columns(a, p.transpose_a) == rows(b, p.transpose_b), "the inner extents differ");
  o.expect(y[y.size() - 2] == rows(a, p.transpose_a) && y.back() == columns(b, p.transpose_b),
           "the result has another shape");
  const Shape batch(y.begin(), y.end() - 2);
  o.expect(broadcasts({a.begin(), a.end() - 2}, batch) && broadcasts({b.begin(), b.end() - 2}, batch),
           "the leading axes do not broadcast");
  if (o.inputs() > 2 && !broadcasts(o.in(2), y))
    o.refuse(fmt::format("the bias {} does not broadcast", to_string(o.in(2))));
}

void check(const FormProducts& p, const Operands& o) {
  o.expect_counts(2, kAny, p.forms.size());
  o.expect(o.inputs() == p.forms.size() + 1 && o.in(o.inputs() - 1).size() == 2,
           "there is no matrix for each");
  const Shape& b = o.in(o.inputs() - 1);
  const int64_t inner = b[p.transpose_b ? 1 : 0], columns = b[p.transpose_b ? 0 : 1];
  for (size_t i = 0; i < o.outputs(); ++i) {
    o.expect(o.in(i).size() == 2 && o.in(i)[1] == inner, "the inner extents differ");
    o.expect(o.out(i) == Shape{o.in(i)[0], columns}, "the result has another shape");
  }
}

void check(const Reduce& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  Shape kept = o.in(0);
  for (const int64_t axis : p.axes) kept[o.expect_axis(axis, kept)] = 1;
  o.expect(o.out() == kept && std::ranges::is_sorted(p.axes), "the result has another shape");
}

void check(const ArgReduce& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  const size_t axis = o.expect_axis(p.axis, o.in(0));
  o.expect(o.in(0)[axis] > 0, "the axis is empty");
  o.expect(o.out() == with_extent(o.in(0), axis, 1), "the result has another shape");
}

void check(const TopK& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  const size_t axis = o.expect_axis(p.axis, o.in(0));
  o.expect(p.count >= 0 && p.count <= o.in(0)[axis], "the axis has fewer entries");
  o.expect(o.out() == with_extent(o.in(0), axis, p.count), "the result has another shape");
}

void check(const Softmax& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect_axis(p.axis, o.in(0));
  o.expect(o.out() == o.in(0), "the result has another shape");
}

void check(const CumSum& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect_axis(p.axis, o.in(0));
  o.expect(o.out() == o.in(0), "the result has another shape");
}

namespace {

/// x [N,C,s..] and its windows' results [N,C,o..].
void check_pool(const Operands& o, const Window& window, const Shape& x, const Shape& y) {
  o.expect(x.size() >= 3, "a sliding window needs [N, C, spatial...]");
  o.expect(y == places(o, window, x, x[0], x[1]), "the window has other places");
}

}  // namespace

void check(const MaxPool& p, const Operands& o) {
  o.expect_counts(1, 1, 2);
  check_pool(o, p.window, o.in(0), o.out());
  o.expect(o.out(1) == o.out(), "the winners have another shape");
}

void check(const MaxPoolScatter& p, const Operands& o) {
  o.expect_counts(2, 2, 1);
  o.expect(o.out() == p.shape && o.in(0) == o.in(1), "the winners have another shape");
  check_pool(o, p.window, p.shape, o.in(0));
}

void check(const MaxPoolGather& p, const Operands& o) {
  o.expect_counts(2, 2, 1);
  check_pool(o, p.window, o.in(0), o.in(1));
  o.expect(o.out() == o.in(1), "the winners have another shape");
}

void check(const SumPool& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  check_pool(o, p.window, o.in(0), o.out());
}

void check(const SumPoolInput& p, const Operands& o) {
  o.expect_counts(1, 1, 1);
  o.expect(o.out() == p.shape, "the result has another shape");
  check_pool(o, p.window, p.shape, o.in(0));
}

}  // namespace onnxray::contract
