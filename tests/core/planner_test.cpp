#include <algorithm>

#include "core/builder.h"
#include "core/plan.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

constexpr PlanOptions kChannelsLast{.real_size = 4, .channels_last = true};
const Window kThreeByThree{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};

TEST_CASE("a chain of elementwise steps runs in place") {
  Program program;
  Builder b(program);
  Var x = b.input("x", {1024}, DType::f32);
  for (int i = 0; i < 5; ++i) x = b.exp(x);
  b.output("y", x);
  CHECK(make_plan(program, {}).arena_bytes == 4096);
}

TEST_CASE("an operand that is read later is not overwritten") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {1024}, DType::f32);
  const Var a = b.exp(x), c = b.neg(a);
  b.output("y", b.add(a, c));
  const Plan plan = make_plan(program, {});
  CHECK(plan[a].offset != plan[c].offset);
}

TEST_CASE("what a loop reads on its next trip is not overwritten by the last step of this one") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {64}, DType::f32);
  const Var before = b.exp(x);
  program.trips = 3;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({64}, DType::f32);
  const Var next = b.add(current, b.neg(before));
  program.loop.push_back({b.filled(0, {64}), current, next});
  b.set_block(Block::finish);
  b.output("y", b.neg(current));
  const Plan plan = make_plan(program, {});
  for (const Step& step : program.steps) {
    if (step.block == Block::repeat) CHECK(plan[step.outputs[0]].offset != plan[before].offset);
  }
}

/// A loop of three trips whose two carried values become what `step` makes of them.
template <class Step>
Plan carried_plan(const Step& step) {
  Program program;
  Builder b(program);
  const Var x = b.exp(b.input("x", {64}, DType::f32));
  program.trips = 3;
  b.set_block(Block::repeat);
  for (int i = 0; i < 2; ++i) {
    const Var current = program.add_variable({64}, DType::f32);
    program.loop.push_back({b.filled(0, {64}), current, current});
  }
  step(b, program.loop, x);
  b.set_block(Block::finish);
  for (const LoopVariable& carried : program.loop) b.output("y", b.neg(carried.current));
  return make_plan(program, {});
}

bool in_place(const Plan& plan, size_t i) {
  const LoopVariable& carried = plan.program.loop[i];
  return plan[carried.current].offset == plan[carried.next].offset;
}

TEST_CASE("a loop's sum is added to in place, unless the old one is still read") {
  using Loop = std::vector<LoopVariable>;
  const Plan sums = carried_plan([](Builder& b, Loop& loop, Var x) {
    loop[0].next = b.add(loop[0].current, x);
    loop[1].next = b.mul(b.exp(loop[0].next), loop[1].current);  // reads the new one
  });
  CHECK(in_place(sums, 0));
  CHECK(in_place(sums, 1));
  const Plan late = carried_plan([](Builder& b, Loop& loop, Var x) {
    loop[0].next = b.add(loop[0].current, x);
    loop[1].next = b.add(loop[1].current, loop[0].current);
  });
  CHECK_FALSE(in_place(late, 0));
  CHECK(in_place(late, 1));
  const Plan shifted = carried_plan([](Builder& b, Loop& loop, Var x) {
    loop[0].next = b.add(loop[0].current, x);
    loop[1].next = loop[0].current;
  });
  CHECK_FALSE(in_place(shifted, 0));
}

TEST_CASE("a reshape of row-major data is a view") {
  Program program;
  Builder b(program);
  const Var x = b.exp(b.input("x", {2, 6}, DType::f32));
  const Var y = b.reshape(x, {3, 4});
  b.output("y", b.sum(y, {0}));
  const Plan plan = make_plan(program, {});
  CHECK(plan.is_view[1]);
  CHECK(plan[y].offset == plan[x].offset);
}

TEST_CASE("sliding windows find and leave their data channels-last, with one copy at the entry") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {1, 4, 8, 8}, DType::f32);
  const Var w = b.constant(Tensor(DType::f32, {4, 4, 3, 3}));
  Var y = b.unary(Opcode::relu, b.convolution(x, w, {}, kThreeByThree, 1));
  y = b.add(y, b.convolution(y, w, {}, kThreeByThree, 1));
  b.output("y", b.sum(b.max_pool(y, kThreeByThree).y, {2, 3}));
  const Plan plan = make_plan(program, kChannelsLast);
  for (const Step& step : plan.program.steps) {
    if (!std::holds_alternative<Convolution>(step.primitive) &&
        !std::holds_alternative<MaxPool>(step.primitive))
      continue;
    CHECK(plan[step.inputs[0]].strides == channels_last_strides(plan.program[step.inputs[0]].shape));
    CHECK(plan[step.outputs[0]].strides == channels_last_strides(plan.program[step.outputs[0]].shape));
  }
  CHECK(std::ranges::count_if(plan.program.steps, [](const Step& s) {
          return std::holds_alternative<Reshape>(s.primitive);
        }) == 1);
}

TEST_CASE("the transpose of an NHWC input into a convolution moves nothing") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 8, 8, 4}, DType::f32);
  const Var w = b.constant(Tensor(DType::f32, {4, 4, 3, 3}));
  b.output("y", b.convolution(b.transpose(x, {0, 3, 1, 2}), w, {}, kThreeByThree, 1));
  const Plan plan = make_plan(program, kChannelsLast);
  CHECK(plan.program.steps.size() == 2);
  CHECK(plan.is_view[0]);
}

TEST_CASE("what leaves a global pool flattens without a copy") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 4, 8, 8}, DType::f32);
  const Var w = b.constant(Tensor(DType::f32, {4, 4, 3, 3}));
  const Var pooled = b.sum(b.convolution(x, w, {}, kThreeByThree, 1), {2, 3});
  b.output("y", b.neg(b.reshape(pooled, {2, 4})));
  const Plan plan = make_plan(program, kChannelsLast);
  const auto at = std::ranges::find_if(plan.program.steps, [](const Step& s) {
    const auto* reshape = std::get_if<Reshape>(&s.primitive);
    return reshape && reshape->shape.size() == 2;
  });
  REQUIRE(at != plan.program.steps.end());
  CHECK(plan.is_view[static_cast<size_t>(at - plan.program.steps.begin())]);
}

TEST_CASE("what a loop reads from before it is not overwritten by what the loop computes later") {
  Program program;
  Builder b(program);
  const Var before = b.exp(b.input("x", {64}, DType::f32));
  program.trips = 3;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({64}, DType::f32);
  const Var last_read = b.mul(before, current);
  const Var sums = b.cum_sum(last_read, 0, false, false), later = b.cum_sum(sums, 0, false, false);
  program.loop.push_back({b.filled(1, {64}), current, b.cum_sum(later, 0, false, true)});
  b.set_block(Block::finish);
  b.output("y", b.neg(current));
  const Plan plan = make_plan(program, {});
  for (const Var v : {last_read, sums, later}) CHECK(plan[v].offset != plan[before].offset);
}

TEST_CASE("the last step of a loop does not overwrite what it reads from before the loop") {
  Program program;
  Builder b(program);
  const Var before = b.exp(b.input("x", {64}, DType::f32));
  program.trips = 3;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({64}, DType::f32);
  program.loop.push_back({b.filled(0, {64}), current, b.add(current, before)});
  const Var last = b.neg(before);
  b.set_block(Block::finish);
  b.output("y", b.add(current, last));
  const Plan plan = make_plan(program, {});
  CHECK(plan[last].offset != plan[before].offset);
}

TEST_CASE("what is seen through two views in a row stays until the last is read") {
  Program program;
  Builder b(program);
  const Var x = b.cum_sum(b.input("x", {64}, DType::f32), 0, false, false);
  const Var view = b.reshape(b.reshape(x, {8, 8}), {4, 16});
  const Var meanwhile =
      b.cum_sum(b.cum_sum(b.input("z", {64}, DType::f32), 0, false, false), 0, false, false);
  b.output("y", b.sum(view, {1}));
  b.output("z", meanwhile);
  const Plan plan = make_plan(program, {});
  CHECK(plan[view].root == x);
  CHECK(plan[view].offset == plan[x].offset);
  CHECK(plan[meanwhile].offset != plan[x].offset);
}

}  // namespace
}  // namespace onnxray
