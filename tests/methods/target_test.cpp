#include "methods/target.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

/// y = x, so that the gradient of a target is the weighting of the outputs.
Graph identity_graph(const Shape& shape, bool softmax = false) {
  GraphBuilder g;
  const ValueId x = g.node("Neg", {g.node("Neg", {g.input("x", shape)})});
  return g.build({softmax ? g.softmax(x) : x});
}

Tensor selection(const Tensor& x, const TargetSpec& target, bool softmax = false) {
  return explain_results(identity_graph(x.shape(), softmax), "gradient", {x}, target).at("attribution:0:0:0");
}

using Values = std::vector<double>;

TEST_CASE("argmax picks the largest entry of each sample, the lowest index on ties") {
  const Tensor x = Tensor::of<double>({3, 3}, {1, 3, 3, -5, -7, -5, 0, 0, 0});
  CHECK(selection(x, {}).to_doubles() == Values{0, 1, 0, 1, 0, 0, 1, 0, 0});
  const Results results = explain_results(identity_graph({3, 3}), "gradient", {x}, {});
  CHECK(results.at("index:0").to_int64s() == std::vector<int64_t>{1, 0, 0});
  CHECK(results.at("score:0").to_doubles() == Values{3, -5, 0});
}

TEST_CASE("an index holds for every sample, or each has its own") {
  const Tensor x = hashed({2, 3}, 1);
  CHECK(selection(x, target_index({2})).to_doubles() == Values{0, 0, 1, 0, 0, 1});
  CHECK(selection(x, target_index({2, 0})).to_doubles() == Values{0, 0, 1, 1, 0, 0});
}

TEST_CASE("negative indices count from the end") {
  const Tensor x = hashed({2, 3}, 1);
  CHECK(selection(x, target_index({-1, -3})).to_doubles() == Values{0, 0, 1, 1, 0, 0});
  TargetSpec tuple = target_index({});
  tuple.tuple = {-1, 0};
  CHECK(target_input(tuple, {1, 2, 3}, 0).to_int64s() == std::vector<int64_t>{3});
}

TEST_CASE("an index counts a dense output in row-major order") {
  const Tensor x = hashed({1, 2, 3}, 1);
  CHECK(selection(x, target_index({4})).to_doubles() == Values{0, 0, 0, 0, 1, 0});
}

TEST_CASE("a tuple points into a dense output, for every sample") {
  TargetSpec target = target_index({});
  target.tuple = {1, 2};
  CHECK(target_input(target, {2, 2, 3}, 0).to_int64s() == std::vector<int64_t>{5, 5});
  const auto error = [&](const Shape& logits) { return error_of([&] { target_input(target, logits, 0); }); };
  CHECK(says(error({2, 3}), ErrorCode::usage, "one index per axis after the batch"));
  CHECK(says(error({1, 2, 2}), ErrorCode::usage, "outside an output"));
}

TEST_CASE("a tuple has an index for each axis but the samples', wherever they lie") {
  TargetSpec target = target_index({});
  const auto flat = [&](std::vector<int64_t> tuple, const Shape& logits, std::optional<int64_t> samples) {
    target.tuple = std::move(tuple);
    return target_input(target, logits, samples).to_int64s();
  };
  CHECK(flat({3, 1}, {5, 2, 3}, 1) == std::vector<int64_t>{10, 10});
  CHECK(flat({3, 1}, {5, 3, 2}, 2) == std::vector<int64_t>{10, 10});
  CHECK(flat({3, 1}, {5, 3}, {}) == std::vector<int64_t>{10});
  // A single sample's axis may be left out or named, wherever it is.
  CHECK(flat({3, 1}, {5, 1, 3}, {}) == std::vector<int64_t>{10});
  CHECK(flat({3, 0, 1}, {5, 1, 3}, {}) == std::vector<int64_t>{10});
  CHECK(flat({0, 3, 1}, {1, 5, 3}, 0) == std::vector<int64_t>{10});
  CHECK(flat({3, 0}, {1, 5, 1}, {}) == std::vector<int64_t>{3});
  CHECK(flat({0, 3}, {1, 5, 1}, {}) == std::vector<int64_t>{3});
  const auto error = [&](std::vector<int64_t> tuple, std::optional<int64_t> samples) {
    return error_of([&] { flat(std::move(tuple), {5, 2, 3}, samples); });
  };
  CHECK(says(error({3}, 1), ErrorCode::usage, "one index per axis but 1, the samples'"));
  CHECK(says(error({3, 0, 1}, 1), ErrorCode::usage, "one index per axis but 1, the samples'"));
  CHECK(says(error({3, 1}, {}), ErrorCode::usage, "one index per axis"));
  CHECK(says(error({5, 0, 0}, {}), ErrorCode::usage, "outside an output"));
}

/// The index and the selection for logits whose samples lie along an axis.
std::pair<std::vector<int64_t>, Values> chosen(const TargetForm& form, const Tensor& logits,
                                               std::optional<int64_t> samples,
                                               const TargetSpec& target = {}) {
  Program program;
  Builder b(program);
  const Var x = b.input("logits", logits.shape(), DType::f64);
  const TargetVars vars = emit_target(b, form, x, x, samples, "target");
  b.output("selection", vars.selection);
  if (vars.index) b.output("index", vars.index);
  std::vector<Tensor> operands{logits};
  if (form.needs_tensor()) operands.push_back(target_input(target, logits.shape(), samples));
  const Results results = run(program, operands);
  return {vars.index ? results.at("index").to_int64s() : std::vector<int64_t>{},
          results.at("selection").to_doubles()};
}

TEST_CASE("targets are chosen along the axes that are not the samples'") {
  using Kind = TargetSpec::Kind;
  // [2,3,2], three samples of [2,2] on axis 1: (7 1; 2 3), (0 9; 4 5), (6 8; 9 9).
  const Tensor x = Tensor::of<double>({2, 3, 2}, {7, 1, 0, 9, 6, 8, 2, 3, 4, 5, 9, 9});
  CHECK(chosen(Kind::argmax, x, 1) ==
        std::pair(std::vector<int64_t>{0, 1, 2}, Values{1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0}));
  CHECK(chosen(Kind::argmax, x, {}) ==
        std::pair(std::vector<int64_t>{3}, Values{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(chosen(Kind::index, x, 1, target_index({3, 0, 2})) ==
        std::pair(std::vector<int64_t>{3, 0, 2}, Values{0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0}));
  const TargetSpec mask = target_mask(Tensor::of<double>({2, 2}, {1, 2, 3, 4}));
  CHECK(chosen(Kind::mask, x, 1, mask).second == Values{1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4});
}

TargetSpec in_ranges(TargetSpec::Kind kind, std::vector<Range> ranges, std::optional<int64_t> axis = {}) {
  TargetSpec target;
  target.kind = kind;
  target.ranges = std::move(ranges);
  target.axis = axis;
  return target;
}

TEST_CASE("ranges choose entries as numpy's slices do, wherever the samples lie") {
  const auto weights = [](std::vector<Range> ranges, const Shape& logits, std::optional<int64_t> samples) {
    return target_input(in_ranges(TargetSpec::Kind::mask, std::move(ranges)), logits, samples).to_doubles();
  };
  CHECK(weights({{1, 3}, Range::all()}, {1, 4, 2}, 0) == Values{0, 0, 1, 1, 1, 1, 0, 0});
  CHECK(weights({{{}, {}, 2}, Range::at(-1)}, {1, 4, 2}, 0) == Values{0, 1, 0, 0, 0, 1, 0, 0});
  CHECK(weights({Range::from(-3), Range::at(0)}, {1, 4, 2}, 0) == Values{0, 0, 1, 0, 1, 0, 1, 0});
  CHECK(weights({{{}, -1}, Range::all()}, {1, 3, 1}, 0) == Values{1, 1, 0});
  CHECK(weights({{2, 100}}, {2, 4}, 0) == Values{0, 0, 1, 1, 0, 0, 1, 1});  // cut off at the end
  CHECK(weights({Range::at(1), Range::all()}, {2, 2, 2}, 1) == Values{0, 0, 0, 0, 1, 1, 1, 1});
  // A single sample's axis may be named.
  CHECK(weights({Range::at(0), {1, 3}, Range::all()}, {1, 4, 2}, 0) == Values{0, 0, 1, 1, 1, 1, 0, 0});
  const auto error = [&](std::vector<Range> ranges) {
    return error_of([&] { weights(std::move(ranges), {2, 4, 2}, 0); });
  };
  CHECK(says(error({Range::from(4), Range::all()}), ErrorCode::usage, "[4:,:] chooses nothing on axis 0"));
  CHECK(says(error({Range::at(4), Range::all()}), ErrorCode::usage, "chooses nothing"));
  CHECK(says(error({{0, 4, 0}, Range::all()}), ErrorCode::usage, "a step above 0"));
  CHECK(says(error({{0, 4, -1}, Range::all()}), ErrorCode::usage, "a step above 0"));
  CHECK(says(error({Range::all()}), ErrorCode::usage, "one range per axis after the batch"));
}

TEST_CASE("argmax within ranges is the largest entry there") {
  using Kind = TargetSpec::Kind;
  // Two detections with boxes of large numbers before two class scores each: [4,2].
  const Tensor x = Tensor::of<double>({1, 4, 2}, {90, 80, 70, 60, -3, -1, -2, -5});
  const TargetSpec classes = in_ranges(Kind::argmax, {Range::from(2), Range::all()});
  CHECK(chosen(classes.form(), x, 0, classes) ==
        std::pair(std::vector<int64_t>{5}, Values{0, 0, 0, 0, 0, 1, 0, 0}));
  // What is minus infinity within them is still within them.
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const Tensor y = Tensor::of<double>({1, 3}, {5, -kInf, -kInf});
  const TargetSpec tail = in_ranges(Kind::argmax, {Range::from(1)});
  CHECK(chosen(tail.form(), y, 0, tail).first == std::vector<int64_t>{1});
}

TEST_CASE("argmax along an axis is the winner at every place, in ranges or everywhere") {
  using Kind = TargetSpec::Kind;
  // Three classes at two places of two samples.
  const Tensor x = Tensor::of<double>({2, 3, 2}, {1, 9, 5, 2, 3, 4, 0, 0, 7, -1, 2, -2});
  const Values classes{0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0};
  for (const int64_t axis : {0, -2}) {
    const TargetSpec target = in_ranges(Kind::argmax, {}, axis);
    CHECK(chosen(target.form(), x, 0, target) == std::pair(std::vector<int64_t>{}, classes));
  }
  const TargetSpec second = in_ranges(Kind::argmax, {Range::all(), Range::at(1)}, 0);
  CHECK(chosen(second.form(), x, 0, second).second == Values{0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
  const TargetSpec later = in_ranges(Kind::argmax, {Range::from(1), Range::all()}, 0);
  CHECK(chosen(later.form(), x, 0, later).second == Values{0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0});
  // With the samples on axis 1, axis 1 of one sample's output is the last.
  const TargetSpec last = in_ranges(Kind::argmax, {}, 1);
  CHECK(chosen(last.form(), x, 1, last).second == Values{0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0});
  CHECK(says(error_of([&] { chosen(in_ranges(Kind::argmax, {}, 2).form(), x, 0); }), ErrorCode::usage,
             "one sample's has 2 axes"));
}

TEST_CASE("argmax over a dense softmax is its largest probability, saturated or not") {
  // Classes on the last axis; the largest logit is not where the largest probability is.
  const auto best = [](const Shape& shape, const Values& logits) {
    return explain_results(identity_graph(shape, true), "gradient", {Tensor::of<double>(shape, logits)}, {})
        .at("index:0")
        .to_int64s();
  };
  CHECK(best({1, 2, 3}, {9, 9, 8, 0, 5, 1}) == std::vector<int64_t>{4});
  CHECK(best({1, 2, 2}, {500, 0, 0, 900}) == std::vector<int64_t>{3});
  CHECK(best({2, 2, 2}, {3, 0, 2, 0, 0, 1, 0, 4}) == std::vector<int64_t>{0, 3});
}

TEST_CASE("a class by its name is an entry of an output with one axis") {
  TargetSpec target = target_index({1});
  target.is_class = true;
  CHECK(target_input(target, {2, 3, 1}, 0).to_int64s() == std::vector<int64_t>{1, 1});
  CHECK(says(error_of([&] { target_input(target, {2, 3, 4}, 0); }), ErrorCode::usage, "one axis"));
}

TEST_CASE("a mask weights every entry, of one sample or of all") {
  const Tensor x = hashed({2, 3}, 1);
  const auto masked = [&](Shape shape, const Values& values) {
    return selection(x, target_mask(Tensor::of<double>(shape, values)));
  };
  CHECK(masked({3}, {1, 0, -2}).to_doubles() == Values{1, 0, -2, 1, 0, -2});
  CHECK(masked({1, 3}, {1, 0, -2}).to_doubles() == Values{1, 0, -2, 1, 0, -2});
  CHECK(masked({2, 3}, {1, 0, -2, 0, 5, 0}).to_doubles() == Values{1, 0, -2, 0, 5, 0});
}

TEST_CASE("a softmax at the end is stripped, unless it is to be kept") {
  const Tensor x = Tensor::of<double>({1, 3}, {1, 2, 0.5});
  CHECK(selection(x, target_index({1}), true).to_doubles() == Values{0, 1, 0});
  ExplainSpec spec = explain_spec("gradient");
  spec.keep_softmax = true;
  const Program kept = emit_explanation(identity_graph({1, 3}, true), OpRegistry::builtin(), spec);
  const Results results = run(kept, {x, Tensor::of<int64_t>({1}, {1})});
  const double p0 = results.at("logits").as_double(0), p1 = results.at("logits").as_double(1),
               p2 = results.at("logits").as_double(2);
  // dp1/dx = p1 (e1 - p), up to rounding
  CHECK(difference(results.at("attribution:0:0:0"), {-p1 * p0, p1 * (1 - p1), -p1 * p2}) < 1e-14);
}

TEST_CASE("a target that does not fit the output is an error that says why") {
  const auto error = [](const TargetSpec& target, const Shape& logits) {
    return error_of([&] { target_input(target, logits, 0); });
  };
  CHECK(
      says(error(target_index({3}), {2, 3}), ErrorCode::usage, "target 3 is outside an output of 3 entries"));
  CHECK(says(error(target_index({-4}), {2, 3}), ErrorCode::usage, "target -4"));
  CHECK(says(error(target_index({0, 1, 2}), {2, 3}), ErrorCode::usage, "3 targets for a batch of 2"));
  CHECK(says(error(target_index({}), {2, 3}), ErrorCode::usage, "0 targets for a batch of 2"));
  CHECK(says(error(target_mask(hashed({4}, 1)), {2, 3}), ErrorCode::usage, "mask of shape [4]"));
}

TEST_CASE("a batch without samples has a target for none") {
  CHECK(target_input(target_index({0}), {0, 3}, 0).size() == 0);
  CHECK(selection(Tensor(DType::f64, {0, 3}), {}).shape() == Shape{0, 3});
}

}  // namespace
}  // namespace onnxray::test
