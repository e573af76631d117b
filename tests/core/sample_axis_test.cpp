#include "core/sample_axis.h"

#include "core/builder.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

constexpr int64_t kSamples = 6;

/// A program of one input whose first axis counts six samples.
struct Case {
  Program program;
  Builder b{program};
  Var x;
  explicit Case(Shape rest = {4, 5}) {
    rest.insert(rest.begin(), kSamples);
    x = b.input("x", rest, DType::f32);
  }
  SampleAxes axes() const { return {program, std::span(&x, 1), kSamples}; }
  bool leads(Var v) const { return axes().leads(v); }
  Var weight(Shape shape) { return b.constant(Tensor(DType::f32, std::move(shape))); }
  /// Numbers that count up.
  Var counting(Shape shape) {
    std::vector<double> values(static_cast<size_t>(element_count(shape)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    return b.constant(Tensor::of<double>(std::move(shape), values));
  }
};

const Window kThree{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};

TEST_CASE("convolutions, pools, dense layers and norms over features keep samples apart") {
  Case c({3, 8, 8});
  Builder& b = c.b;
  Var v = b.unary(Opcode::relu, b.convolution(c.x, c.weight({4, 3, 3, 3}), c.weight({4}), kThree, 1));
  v = b.add(v, b.convolution(v, c.weight({4, 1, 3, 3}), {}, kThree, 4));
  v = b.max_pool(v, kThree).y;
  v = b.concat(std::vector{v, b.sum_pool(v, kThree)}, 1);
  const Var mean = b.mean(v, {2, 3});
  v = b.div(b.sub(v, mean), b.add(b.unary(Opcode::sqrt, b.mean(b.mul(v, v), {1, 2, 3})), 1.0));
  v = b.reshape(v, {kSamples, 8 * 64});
  v = b.matmul(v, c.weight({10, 512}), false, true, c.weight({10}));
  CHECK(c.leads(b.softmax(v, 1)));
  CHECK(c.leads(b.cast(b.arg_reduce(v, 1, true), DType::f32)));
}

/// Attention of one head over axis 1 of v [samples, tokens, channels].
Var attention(Case& c, Var v, int64_t channels) {
  Builder& b = c.b;
  const auto project = [&] { return b.matmul(v, c.weight({channels, channels})); };
  const Var q = project(), k = project();
  return b.matmul(b.softmax(b.matmul(q, k, false, true), 2), project());
}

TEST_CASE("attention over tokens keeps samples apart, with tokens and heads before, between or behind") {
  Case c({5, 8});
  Builder& b = c.b;
  Var v = b.add(c.x, c.counting({1, 5, 8}));
  v = attention(c, v, 8);
  // Heads folded into the batch: [6,5,8] -> [6,5,2,4] -> [6,2,5,4] -> [12,5,4] and back.
  Var heads = b.reshape(b.transpose(b.reshape(v, {kSamples, 5, 2, 4}), {0, 2, 1, 3}), {12, 5, 4});
  heads = b.add(attention(c, heads, 4), c.weight({12, 5, 4}));  // the same zeros for all
  v = b.reshape(b.transpose(b.reshape(heads, {kSamples, 2, 5, 4}), {0, 2, 1, 3}), {kSamples, 5, 8});
  CHECK(c.leads(v));
  // Tokens first, flattened in front of the samples: [6,5,8] -> [5,6,8] -> [30,8] and back.
  const Var rows = b.matmul(b.reshape(b.transpose(v, {1, 0, 2}), {30, 8}), c.weight({8, 8}));
  CHECK_FALSE(c.leads(rows));
  v = b.transpose(b.reshape(rows, {5, kSamples, 8}), {1, 0, 2});
  CHECK(c.leads(v));
  // A token of its own for each sample, repeated by broadcasting.
  const Var token = b.broadcast(c.counting({1, 1, 8}), {kSamples, 1, 8});
  v = b.concat(std::vector{token, v}, 1);
  CHECK(c.leads(b.slice_axis(v, 1, 0, 1)));
}

TEST_CASE("rows of a table that samples choose are theirs") {
  Case c({3});
  const Var ids = c.b.cast(c.x, DType::i64);
  CHECK(c.leads(c.b.gather(c.counting({9, 4}), ids, 0)));
  CHECK_FALSE(c.leads(c.b.gather(c.counting({9, 4}), ids, 1)));
  CHECK(c.leads(c.b.gather(c.x, c.b.constant(Tensor::of<int64_t>({2}, {2, 0})), 1)));
}

TEST_CASE("samples move behind the axes of an index that is read in front of them") {
  Case c;
  const Var index = c.b.constant(Tensor(DType::i64, {2, 3}));
  const Var rows = c.b.gather(c.b.transpose(c.x, {1, 0, 2}), index, 0);  // [2,3,6,5]
  CHECK(c.axes().of(rows) == SampleAxis{2});
}

TEST_CASE("what meets, reorders or tells samples apart is found") {
  Case c;
  Builder& b = c.b;
  const Var x = c.x;
  const auto index = [&](Shape shape) { return b.constant(Tensor(DType::i64, std::move(shape))); };
  CHECK_FALSE(c.leads(b.sub(x, b.mean(x, {0}))));
  CHECK_FALSE(c.leads(b.softmax(x, 0)));
  CHECK_FALSE(c.leads(b.cum_sum(x, 0)));
  CHECK_FALSE(c.leads(b.slice(x, {5, 0, 0}, {-1, 1, 1}, {6, 4, 5})));
  CHECK_FALSE(c.leads(b.gather(x, index({6}), 0)));
  CHECK_FALSE(c.leads(b.concat(std::vector{b.slice_axis(x, 0, 0, 3), b.slice_axis(x, 0, 3, 6)}, 0)));
  CHECK_FALSE(c.leads(b.concat(std::vector{x, x}, 0)));
  CHECK_FALSE(c.leads(b.add(x, c.counting({6, 1, 1}))));
  const Var other_last = b.constant(Tensor::of<float>({6, 1, 1}, {0, 0, 0, 0, 0, 1}));
  CHECK_FALSE(c.leads(b.add(x, other_last)));
  CHECK_FALSE(c.leads(b.reshape(x, {3, 8, 5})));
  CHECK_FALSE(c.leads(b.transpose(b.reshape(b.transpose(x, {1, 0, 2}), {6, 4, 5}), {0, 1, 2})));
  CHECK(c.leads(b.matmul(x, x, false, true)));  // each sample with itself
  const Var flat = b.reshape(x, {6, 20});
  CHECK_FALSE(c.leads(b.matmul(flat, flat, false, true)));
  CHECK_FALSE(c.leads(b.matmul(b.softmax(b.matmul(flat, flat, false, true), 1), flat)));
  CHECK_FALSE(c.leads(b.matmul(c.weight({6, 6}), flat)));
  // The batch as channels of one image.
  const Var image = b.reshape(x, {1, 6, 4, 5});
  CHECK_FALSE(c.leads(b.reshape(b.convolution(image, c.weight({6, 6, 3, 3}), {}, kThree, 1), {6, 4, 5})));
  CHECK(c.leads(b.reshape(b.max_pool(image, kThree).y, {6, 4, 5})));
  CHECK_FALSE(c.leads(c.counting({6, 2})));
}

TEST_CASE("a single sample is followed until a reshape leaves its axis open") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {5, 1, 4}, DType::f32);
  const Var turned = b.transpose(x, {1, 2, 0});
  const Var dense = b.matmul(x, b.constant(Tensor(DType::f32, {4, 3})));
  const Var over_it = b.matmul(b.transpose(x, {0, 2, 1}), b.constant(Tensor(DType::f32, {1, 3})));
  const Var open = b.reshape(x, {5, 4});
  const std::pair<Var, SampleAxis> batched[] = {{x, SampleAxis{1}}};
  const SampleAxes axes(program, batched, 1);
  CHECK(axes.of(turned) == SampleAxis{0});
  CHECK(axes.of(dense) == SampleAxis{1});
  CHECK(axes.meet_in(over_it));
  CHECK(axes.meet_in(open));
}

TEST_CASE("a scatter that reaches some samples only tells them apart") {
  Case c;
  Builder& b = c.b;
  const auto added = [&](int64_t samples) {
    const Shape shape{samples, 1, 5};
    const Var index = b.constant(Tensor(DType::i64, shape));
    return b.scatter_elements(ScatterElements::Kind::add, c.x, index, c.weight(shape), 1);
  };
  CHECK(c.leads(added(kSamples)));
  CHECK_FALSE(c.leads(added(2)));
}

TEST_CASE("the answer names the step where samples meet") {
  Case c;
  c.b.set_origin(0, "norm");
  const Var mean = c.b.mean(c.x, {0});
  c.b.set_origin(1, "rest");
  const Var y = c.b.unary(Opcode::relu, c.b.sub(c.x, mean));
  CHECK(c.axes().why_not(y) == "samples meet in reduce of 'norm'");
  CHECK(c.axes().why_not(c.x).empty());
  const Var cut = c.b.reshape(c.x, {4, 6, 5});
  CHECK(c.axes().why_not(cut).find("samples meet in reshape") == 0);
}

}  // namespace
}  // namespace onnxray
