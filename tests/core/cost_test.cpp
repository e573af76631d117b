#include "core/cost.h"

#include "core/builder.h"
#include "tests/catch.h"

namespace onnxray {

namespace {

Window window3(int64_t stride) { return {{3, 3}, {stride, stride}, {1, 1}, {1, 1}, {1, 1}}; }

Cost cost_of_last(const Program& program) { return cost_of(program, program.steps.back(), PlanOptions{}); }

Var zeros(Builder& b, Shape shape) {
  const auto count = static_cast<size_t>(element_count(shape));
  return b.constant(Tensor::of<float>(std::move(shape), std::vector<float>(count)));
}

}  // namespace

TEST_CASE("a slice moves what it takes, not what it takes it from") {
  Program program;
  Builder b(program);
  b.slice_axis(b.input("x", {100, 3}, DType::f32), 0, 4, 6);
  CHECK(cost_of_last(program).bytes == 2 * 6 * 4);
}

TEST_CASE("a convolution and its adjoint cost two flops per weight and output place") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 4, 8, 8}, DType::f32), w = zeros(b, {6, 4, 3, 3});
  const Var y = b.convolution(x, w, {}, window3(2), 1);
  // y is [2,6,4,4]; each of its 192 entries sums 4*3*3 products.
  CHECK(cost_of_last(program).flops == 2.0 * 192 * 36);
  CHECK(cost_of_last(program).bytes == 4.0 * (512 + 216 + 192));
  b.convolution_input(y, w, window3(2), 1, {2, 4, 8, 8});
  CHECK(cost_of_last(program).flops == 2.0 * 192 * 36);
}

TEST_CASE("a matrix product costs two flops per term and one per bias") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {3, 5}, DType::f32), w = zeros(b, {7, 5}), bias = zeros(b, {7});
  b.matmul(x, w, false, true, bias);
  CHECK(cost_of_last(program).flops == 2.0 * 3 * 7 * 5 + 21);
  CHECK(cost_of_last(program).bytes == 4.0 * (15 + 35 + 7 + 21));
}

TEST_CASE("movement costs bytes alone, reductions one flop per entry") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {3, 5}, DType::f32);
  b.transpose(x, {1, 0});
  CHECK(cost_of_last(program).flops == 0);
  CHECK(cost_of_last(program).bytes == 4.0 * 30);
  b.reduce(Reduce::Kind::sum, x, {1});
  CHECK(cost_of_last(program).flops == 15);
  b.add(x, x);
  CHECK(cost_of_last(program).flops == 15);
}

TEST_CASE("steps of a loop count once per trip, and memory is weights, arena, inputs and outputs") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {16, 16}, DType::f32), w = zeros(b, {16, 16});
  program.trips = 5;
  b.set_block(Block::repeat);
  const Var y = b.matmul(x, w);
  const Var initial = zeros(b, {16, 16});
  const Var current = program.add_variable({16, 16}, DType::f32, "sum");
  program.loop.push_back({initial, current, b.add(current, y)});
  b.set_block(Block::finish);
  b.output("sum", current);
  const Plan plan = make_plan(program, PlanOptions{});
  CHECK(cost_of(plan).flops == 5 * (2.0 * 16 * 16 * 16 + 256));
  const PlanMemory memory = memory_of(plan);
  CHECK(memory.inputs == 1024);
  CHECK(memory.outputs == 1024);
  CHECK(memory.constants >= 1024);
  CHECK(memory.arena == plan.arena_bytes);
  CHECK(planned_bytes(plan) == memory.total());
  PlanOptions packing;
  packing.packs_weights = true;
  CHECK(planned_bytes(make_plan(program, packing)) == memory.total() + 1024);
  packing.product_bytes = 100;
  CHECK(planned_bytes(make_plan(program, packing)) == memory.total() + 1024 + 100);
  packing.unpacked_rows = 16;
  CHECK(planned_bytes(make_plan(program, packing)) == memory.total());
  CHECK(memory.total() == memory.inputs + memory.outputs + memory.constants + memory.arena);
}

TEST_CASE("a weight is packed for direct sums and for Winograd's filtering, which also works on tiles") {
  Program program;
  Builder b(program);
  const Window window = window3(1);
  const Var x = b.input("x", {1, 16, 8, 9}, DType::f32), w = zeros(b, {32, 16, 3, 3});
  const Var y = b.convolution(x, w, {}, window, 1), again = b.convolution(b.neg(x), w, {}, window, 1);
  b.output("y", y);
  b.output("again", again);
  std::get<Convolution>(program.steps.back().primitive).winograd = true;
  const PlanOptions options{.packs_weights = true, .product_bytes = 10, .winograd_block = 1 << 20};
  const Plan plan = make_plan(program, options);
  const int64_t weight = 32 * 16 * 9 * 4, tiles = 2 * 3;
  CHECK(planned_bytes(plan) - memory_of(plan).total() ==
        2 * 10 + weight + 4 * weight + 36 * tiles * (16 + 32) * 4);
}

}  // namespace onnxray
