#include <algorithm>
#include <cmath>

#include "backends/reference/reference.h"
#include "core/bit_masks.h"
#include "core/builder.h"
#include "core/cost.h"
#include "core/epilogue.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

const Shape kShape{1, 2, 5, 5};
const Window kWindow{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};

/// Emits y = relu(...), then what reads y itself, then steps that want its memory, then the mask's reader.
struct Case {
  Program program;
  Builder b{program};
  Var x = b.input("x", kShape, DType::f32), g = b.input("g", kShape, DType::f32);

  Var convolution(Var v) {
    return b.convolution(v, b.constant(Tensor::filled(DType::f32, {2, 2, 3, 3}, 0.5)), {}, kWindow, 1);
  }
  Var masked(Var y, Var value) { return b.select(b.less(0.0, y), value, b.scalar(0.0)); }
  void output(Var v) { b.output("y", v); }

  Plan planned() {
    fuse_elementwise(program);
    keep_masks(program, 1);
    eliminate_dead_code(program);
    return make_plan(program, {.least_mask = 1});
  }
};

std::vector<Var> bits_of(const Plan& plan) {
  std::vector<Var> bits;
  for (const Step& step : plan.program.steps)
    std::ranges::copy_if(step.outputs, std::back_inserter(bits), [&](Var v) { return plan[v].bits; });
  return bits;
}

bool reads(const Plan& plan, size_t step, Var v) {
  const auto& inputs = plan.program.steps[step].inputs;
  return std::ranges::find(inputs, v) != inputs.end();
}

const Tensor kX = [] {
  std::vector<float> values;
  for (int i = 0; i < 50; ++i) values.push_back(static_cast<float>(i * 37 % 50 - 25));
  return Tensor::of<float>(kShape, values);
}();

std::vector<double> result_of(const Plan& plan) {
  return make_reference_backend(false)->compile(plan)->run(std::vector{kX, kX})[0].to_doubles();
}

TEST_CASE("a Relu that a convolution does leaves its mask in a step behind it") {
  Case c;
  const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
  c.output(c.masked(y, c.convolution(c.convolution(c.convolution(y)))));
  const Plan plan = c.planned();
  CHECK(bits_of(plan).size() == 1);
  CHECK(plan.program.steps[2].outputs == bits_of(plan));  // convolution, Relu, mask
  CHECK(std::ranges::count_if(find_epilogues(plan), [](const Epilogue& e) { return static_cast<bool>(e); }) ==
        1);
  CHECK_FALSE(reads(plan, plan.program.steps.size() - 1, plan.program.steps[1].outputs[0]));
  Case plain;
  const Var z = plain.b.unary(Opcode::relu, plain.convolution(plain.x));
  plain.output(plain.masked(z, plain.convolution(plain.convolution(plain.convolution(z)))));
  CHECK(result_of(plan) == result_of(make_plan(plain.program, {})));
}

TEST_CASE("a comparison with NaN keeps no mask, since it equals no other") {
  Case c;
  const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
  const Var above = c.b.less(std::nan(""), y);
  c.output(c.b.select(above, c.convolution(c.convolution(y)), c.b.scalar(0.0)));
  const Plan plan = c.planned();
  CHECK(bits_of(plan).empty());
  CHECK(std::ranges::count(result_of(plan), 0.0) == 50);
}

TEST_CASE("other elementwise steps give the mask beside their result, and still overwrite an operand") {
  Case c;
  const Var z = c.b.add(c.convolution(c.x), c.b.sum(c.x, {2, 3}));
  c.b.output("z", c.b.sum(z, {}));  // read twice: the convolution cannot do what follows
  const Var sum = c.b.exp(c.b.sum(c.g, {1}));
  const Var y = c.b.unary(Opcode::relu, c.b.mul(z, sum));
  c.output(c.masked(y, c.convolution(c.convolution(c.convolution(y)))));
  const Plan plan = c.planned();
  REQUIRE(bits_of(plan).size() == 1);
  const auto writer =
      std::ranges::find_if(plan.program.steps, [](const Step& s) { return s.outputs.size() == 2; });
  REQUIRE(writer != plan.program.steps.end());
  CHECK(writer->outputs[1] == bits_of(plan)[0]);
  CHECK(std::ranges::any_of(writer->inputs,
                            [&](Var v) { return plan[v].root == plan[writer->outputs[0]].root; }));
}

TEST_CASE("a mask is not kept where that frees nothing") {
  const auto masks_of = [](auto emit) {
    Case c;
    emit(c);
    const Plan plan = c.planned();
    return std::ranges::count(plan.program.variables, "mask", &Variable::label);
  };
  const auto there_and_back = [](Case& c, Var y) { return c.convolution(c.convolution(y)); };
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          c.output(c.masked(y, there_and_back(c, y)));
        }) == 1);
  // The step in front of the mask's reader reads y itself.
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          c.output(c.masked(y, c.convolution(y)));
        }) == 0);
  // y is a result of the program; y is read in full at the end; its view is.
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          c.output(c.masked(y, there_and_back(c, y)));
          c.b.output("kept", y);
        }) == 0);
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          c.output(c.b.mul(c.masked(y, there_and_back(c, y)), y));
        }) == 0);
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          c.output(c.masked(y, there_and_back(c, y)));
          c.b.output("flat", c.b.sum(c.b.reshape(y, {50}), {}));
        }) == 0);
  // A comparison is itself a result; a step reads a view of y beside it.
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          c.output(there_and_back(c, y));
          c.b.output("positive", c.b.less(0.0, y));
        }) == 0);
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          const Var view = c.b.transpose(y, {0, 1, 3, 2});
          c.output(c.b.mul(c.masked(y, there_and_back(c, y)), view));
        }) == 0);
  // Three bounds.
  CHECK(masks_of([&](Case& c) {
          const Var y = c.b.unary(Opcode::relu, c.convolution(c.x));
          const Var several = c.b.add(c.b.select(c.b.less(y, 1.0), c.g, c.b.scalar(2)),
                                      c.b.select(c.b.less(y, 3.0), c.g, c.b.scalar(4)));
          c.output(c.masked(y, c.b.mul(several, there_and_back(c, y))));
        }) == 0);
}

TEST_CASE("bits are booleans that elementwise steps alone touch, each in its order") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", kShape, DType::f32);
  const Var seen = b.less(0.0, x), reduced = b.less(1.0, x), spread = b.less(0.0, b.sum(x, {1}));
  const Var moved = b.less(2.0, x), given = b.less(3.0, x);
  b.output("seen", b.select(seen, x, b.scalar(0)));
  b.output("reduced", b.reduce(Reduce::Kind::max, b.cast(reduced, DType::f32), {}));
  b.output("spread", b.select(spread, x, b.scalar(0)));
  b.output("moved", b.transpose(moved, {0, 1, 3, 2}));
  b.output("given", given);
  const std::vector<bool> bits = find_bit_masks(program);
  const auto is_bits = [&](Var v) { return static_cast<bool>(bits[static_cast<size_t>(v.id)]); };
  CHECK(is_bits(seen));
  CHECK(is_bits(reduced));  // the cast is an elementwise step
  CHECK_FALSE(is_bits(spread));
  CHECK_FALSE(is_bits(moved));
  CHECK_FALSE(is_bits(given));
  std::vector<Strides> strides;
  for (const Variable& v : program.variables) strides.push_back(row_major_strides(v.shape));
  strides[static_cast<size_t>(x.id)] = channels_last_strides(kShape);  // read, so of no matter
  CHECK(find_bit_masks(program, strides)[static_cast<size_t>(seen.id)]);
  strides[static_cast<size_t>(seen.id)] = channels_last_strides(kShape);
  CHECK_FALSE(find_bit_masks(program, strides)[static_cast<size_t>(seen.id)]);
}

TEST_CASE("booleans that a loop carries are not bits") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", kShape, DType::f32), first = b.less(0.0, x);
  program.trips = 2;
  b.set_block(Block::repeat);
  const Var current = program.add_variable(kShape, DType::boolean);
  const Var next = b.unary(Opcode::logical_not, current);
  program.loop.push_back({first, current, next});
  b.set_block(Block::finish);
  b.output("y", b.select(current, x, b.scalar(0)));
  const std::vector<bool> bits = find_bit_masks(program);
  for (const Var v : {first, current, next}) CHECK_FALSE(bits[static_cast<size_t>(v.id)]);
}

TEST_CASE("plans count bits as bits") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {1000}, DType::f32);
  const Var mask = b.less(0.0, x);
  b.output("y", b.select(mask, b.exp(b.exp(x)), b.scalar(0)));
  const Plan bits = make_plan(program, {.least_mask = 1}), bytes = make_plan(program, {});
  CHECK(bits[mask].bytes == 128);  // 1000 bits in whole words
  CHECK(bytes[mask].bytes == 1000);
  CHECK(cost_of(bytes).bytes - cost_of(bits).bytes == 2 * (1000 - 128));  // written and read
  CHECK(bits.arena_bytes < bytes.arena_bytes);
}

}  // namespace
}  // namespace onnxray
