#include "core/epilogue.h"

#include <algorithm>

#include "core/builder.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

const Window kWindow{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};

const Shape kShape{1, 2, 4, 4};

/// A program with convolutions, and what its plan finds.
struct Case {
  Program program;
  Builder b{program};
  Var given = b.input("x", kShape, DType::f32);
  Var x = b.sum_pool(given, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}});  // channels-last

  Var convolution(Var v) {
    return b.convolution(v, b.constant(Tensor::filled(DType::f32, {2, 2, 3, 3}, 1)), {}, kWindow, 1);
  }
  void output(Var v) { b.output("y", b.sum(v, {})); }

  Plan plan() { return make_plan(program, {.real_size = 4, .channels_last = true}); }
};

/// Of the convolutions in a plan, those with an epilogue, by number among convolutions, with the epilogues.
std::vector<std::pair<int64_t, Epilogue>> ended_convolutions(const Plan& plan) {
  const std::vector<Epilogue> epilogues = find_epilogues(plan);
  std::vector<std::pair<int64_t, Epilogue>> found;
  int64_t number = 0;
  for (size_t i = 0; i < epilogues.size(); ++i) {
    if (!std::holds_alternative<Convolution>(plan.program.steps[i].primitive)) continue;
    if (epilogues[i]) found.emplace_back(number, epilogues[i]);
    ++number;
  }
  return found;
}

/// How many convolutions have an epilogue in what `emit` emits on the result of one.
template <class Emit>
size_t epilogues_of(Emit emit) {
  Case c;
  emit(c.b, c.convolution(c.x));
  return ended_convolutions(c.plan()).size();
}

/// How many convolutions can be added in place where `emit` emits it all.
template <class Emit>
size_t sums_of(Emit emit) {
  Case c;
  emit(c);
  return ended_convolutions(c.plan()).size();
}

TEST_CASE("a Relu that alone reads a convolution can be part of it") {
  CHECK(epilogues_of([](Builder& b, Var z) { b.output("y", b.sum(b.unary(Opcode::relu, z), {})); }) == 1);
}

TEST_CASE("a Relu that alone reads the first result of a split convolution can be part of it") {
  const auto is_part = [](bool of_first) {
    Case c;
    const Var w = c.b.constant(Tensor::filled(DType::f32, {2, 2, 3, 3}, 1));
    const auto [y, p] = c.b.split_convolution(c.x, w, {}, kWindow, {WeightForm::Kind::positive, 0});
    c.output(c.b.unary(Opcode::relu, of_first ? y : p));
    c.output(of_first ? p : y);
    const Plan plan = c.plan();
    const std::vector<Epilogue> epilogues = find_epilogues(plan);
    for (size_t i = 0; i < epilogues.size(); ++i) {
      if (std::holds_alternative<SplitConvolution>(plan.program.steps[i].primitive))
        return static_cast<bool>(epilogues[i]);
    }
    return false;
  };
  CHECK(is_part(true));
  CHECK_FALSE(is_part(false));
}

TEST_CASE("a result that is read twice, or kept, needs a step of its own") {
  CHECK(epilogues_of([](Builder& b, Var z) {
          b.output("y", b.sum(b.unary(Opcode::relu, z), {}));
          b.output("total", b.sum(z, {}));
        }) == 0);
  CHECK(epilogues_of([](Builder& b, Var z) {
          b.output("y", b.unary(Opcode::relu, z));
          b.output("z", z);
        }) == 0);
}

TEST_CASE("a residual sum is part of the convolution that runs last, in either order of operands") {
  for (const bool swapped : {false, true}) {
    Case c;
    const Var r = c.b.exp(c.x), z = c.convolution(c.convolution(c.b.neg(c.x)));
    const Var y = swapped ? c.b.add(r, z) : c.b.add(z, r);
    c.output(y);
    const Plan plan = c.plan();
    const auto found = ended_convolutions(plan);
    REQUIRE(found.size() == 1);
    CHECK(found[0].first == 1);
    CHECK(found[0].second.continued == (swapped ? 1 : 0));
    CHECK(plan[y].root == plan[r].root);
  }
  // A block that changes the extents adds two convolutions.
  Case c;
  const Var a = c.convolution(c.x), z = c.convolution(c.x);
  c.output(c.b.add(a, z));
  const auto found = ended_convolutions(c.plan());
  REQUIRE(found.size() == 1);
  CHECK(found[0].first == 1);
  CHECK(found[0].second.continued == 1);
}

TEST_CASE("residual blocks in a row need three values at a time, their sums in place") {
  Case c;
  Var x = c.convolution(c.x);
  for (int i = 0; i < 4; ++i)
    x = c.b.unary(Opcode::relu, c.b.add(c.convolution(c.b.unary(Opcode::relu, c.convolution(x))), x));
  c.output(x);
  fuse_elementwise(c.program);
  const Plan plan = c.plan();
  CHECK(ended_convolutions(plan).size() == 8);
  // A block's input and what its second convolution reads and writes.
  CHECK(plan.arena_bytes == 3 * element_count(kShape) * 4);
}

TEST_CASE("a sum to which a loop adds in each trip is part of the convolution") {
  Case c;
  const Var before = c.b.exp(c.x);
  c.program.trips = 3;
  c.b.set_block(Block::repeat);
  const Var zeros = c.b.filled(0, kShape);
  const Var current = c.program.add_variable(kShape, DType::f32);
  const Var z = c.convolution(c.b.mul(before, c.b.cast(c.b.step_index(), DType::f32)));
  c.program.loop.push_back({zeros, current, c.b.add(current, z)});
  c.b.set_block(Block::finish);
  c.output(current);
  CHECK(ended_convolutions(c.plan()).size() == 1);
}

TEST_CASE("a convolution is not added to what it reads itself") {
  CHECK(sums_of([](Case& c) {
          const Var r = c.b.exp(c.x);
          c.output(c.b.add(c.convolution(c.x), r));
        }) == 1);
  CHECK(sums_of([](Case& c) {
          const Var r = c.b.exp(c.x);
          c.output(c.b.add(c.convolution(r), r));
        }) == 0);
}

TEST_CASE("a summand that somebody reads between the convolution and the sum, or later, stays as it is") {
  CHECK(sums_of([](Case& c) {
          const Var r = c.b.exp(c.x), z = c.convolution(c.x), total = c.b.sum(r, {});
          c.output(c.b.add(z, r));
          c.b.output("total", total);
        }) == 0);
  CHECK(sums_of([](Case& c) {  // through a view
          const Var r = c.b.exp(c.x), z = c.convolution(c.x);
          const Var rows = c.b.sum(c.b.transpose(r, {0, 2, 3, 1}), {0, 1});
          c.output(c.b.add(z, r));
          c.b.output("rows", rows);
        }) == 0);
  CHECK(sums_of([](Case& c) {
          const Var r = c.b.exp(c.x);
          c.output(c.b.add(c.convolution(c.x), r));
          c.b.output("total", c.b.sum(r, {}));
        }) == 0);
}

TEST_CASE("a summand must be there before the convolution, in memory of the plan, and lie as the sum does") {
  CHECK(sums_of([](Case& c) {  // computed later
          const Var z = c.convolution(c.x), r = c.b.reduce(Reduce::Kind::max, c.b.exp(c.x), {1});
          c.output(c.b.add(z, c.b.concat(std::vector{r, r}, 1)));
        }) == 0);
  CHECK(sums_of([](Case& c) { c.output(c.b.add(c.convolution(c.x), c.given)); }) == 0);  // an input
  CHECK(sums_of([](Case& c) {
          c.output(c.b.add(c.convolution(c.x), c.b.constant(Tensor::filled(DType::f32, kShape, 2))));
        }) == 0);
  CHECK(sums_of([](Case& c) {  // row-major
          const Var r = c.b.exp(c.given);
          c.output(c.b.add(c.convolution(c.x), r));
        }) == 0);
  CHECK(sums_of([](Case& c) {  // one number per channel
          const Var r = c.b.sum(c.b.exp(c.x), {2, 3});
          c.output(c.b.add(c.convolution(c.x), r));
        }) == 0);
}

TEST_CASE("a convolution that others read, of another block, or beside two summands is not added in place") {
  CHECK(sums_of([](Case& c) {
          const Var r = c.b.exp(c.x), z = c.convolution(c.x);
          c.output(c.b.add(z, r));
          c.b.output("z", c.b.sum(z, {}));
        }) == 0);
  CHECK(sums_of([](Case& c) {
          const Var r = c.b.exp(c.x), z = c.convolution(c.x);
          c.b.set_block(Block::finish);
          c.output(c.b.add(z, r));
        }) == 0);
  CHECK(sums_of([](Case& c) {
          const Var r = c.b.exp(c.x), s = c.b.neg(c.x), z = c.convolution(c.x);
          const Var kept = c.b.sum(s, {});
          c.output(c.b.add(c.b.add(z, r), s));
          c.b.output("kept", kept);
          fuse_elementwise(c.program);  // three operands
        }) == 0);
}

TEST_CASE("what a loop adds to from before it is there again in the next trip") {
  Case c;
  const Var before = c.b.exp(c.x);
  c.program.trips = 3;
  c.b.set_block(Block::repeat);
  const Var current = c.program.add_variable({1, 1, 1, 1}, DType::f32);
  const Var scaled = c.b.mul(c.x, c.b.cast(c.b.step_index(), DType::f32));
  const Var y = c.b.add(c.convolution(scaled), before);
  c.program.loop.push_back({c.b.filled(0, {1, 1, 1, 1}), current, c.b.add(current, c.b.sum(y, {}))});
  c.b.set_block(Block::finish);
  c.output(current);
  CHECK(ended_convolutions(c.plan()).empty());
}

TEST_CASE("an expression is read from the result that it continues") {
  const Source a{Source::Kind::input, 0, 0}, b{Source::Kind::input, 1, 0};
  const Expression e{Expression::Domain::real, {{Opcode::sub, a, b, {}}}, {0}};
  CHECK(continuing(e, 0) == e);
  CHECK(continuing(e, 1).code[0] == Instruction{Opcode::sub, b, a, {}});
}

}  // namespace
}  // namespace onnxray
