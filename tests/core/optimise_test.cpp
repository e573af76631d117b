#include "core/optimise/optimise.h"

#include <algorithm>

#include "core/cost.h"
#include "tests/core/changed_by.h"

namespace onnxray::test {
namespace {

const Tensor kX = Tensor::of<float>({2, 3}, {1, -2, 3, -4, 5, -6});

TEST_CASE("equal steps on equal operands are computed once") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const Var a = b.exp(b.mul(x, 2.0)), c = b.exp(b.mul(x, 2.0));
  b.output("y", b.add(a, b.transpose(b.transpose(c, {1, 0}), {1, 0})));
  const Program after = changed_by(program, {kX}, eliminate_common_subexpressions);
  CHECK(count(after, "elementwise") == 3);
}

TEST_CASE("steps that no output needs are dropped") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  b.exp(x);
  b.output("y", b.neg(x));
  CHECK(changed_by(program, {kX}, eliminate_dead_code).steps.size() == 1);
}

TEST_CASE("steps on constants are folded, unless the result would outgrow them") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const Var w = b.constant(Tensor::of<float>({3}, {1, -2, 3}));
  b.output("y", b.mul(x, b.max(w, 0.0)));
  b.output("big", b.broadcast(b.constant(Tensor::of<float>({1}, {2})), {1 << 11, 1 << 11}));
  const auto backend = make_reference_backend(true);
  const Program after = changed_by(program, {kX}, [&](Program& p) { fold_constants(p, *backend); });
  CHECK(count(after, "elementwise") == 1);
  CHECK(count(after, "broadcast") == 1);
}

TEST_CASE("a chain of elementwise steps becomes one") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32), row = b.input("row", {3}, DType::f32);
  const Var y = b.select(b.less(0.0, x), b.mul(x, row), b.add(b.exp(x), 1.0));
  b.output("y", y);
  const Program after = changed_by(program, {kX, Tensor::of<float>({3}, {1, 2, 3})}, fuse_elementwise);
  CHECK(after.steps.size() == 1);
}

TEST_CASE("a result that somebody else reads is not fused away") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const Var shared = b.exp(x);
  b.output("sum", b.sum(shared, {0}));
  b.output("y", b.neg(shared));
  CHECK(changed_by(program, {kX}, fuse_elementwise).steps.size() == 3);
}

TEST_CASE("forms of large weights are folded one after the other, and share what they have in common") {
  constexpr int64_t kRows = 1 << 13, kColumns = 1 << 11;  // 16 million entries: each fills a run alone
  Program program;
  Builder b(program);
  const Var x = b.input("x", {1, kRows}, DType::f32);
  const Var w = b.constant(Tensor::filled(DType::f32, {kRows, kColumns}, -2));
  const Var raised = b.add(w, 3.0);
  const Var y = b.matmul(x, b.max(w, 0.0));
  b.output("y", b.add(y, b.add(b.matmul(x, raised), b.matmul(x, b.neg(raised)))));
  const auto backend = make_reference_backend(false);
  fold_constants(program, *backend);
  CHECK(count(program, "elementwise") == 2);
  for (const Step& step : program.steps) {
    if (std::holds_alternative<MatMul>(step.primitive)) CHECK(program.is_constant(step.inputs[1]));
  }
  CHECK(program[program.steps[0].inputs[1]].constant->as_double(7) == 0);
}

TEST_CASE("neighbours that read one operand become a step of two results") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32), y = b.input("y", {2, 3}, DType::f32);
  b.output("p", b.exp(b.mul(x, y)));
  b.output("q", b.sub(x, 2.0));
  const Program after = changed_by(program, {kX, kX}, [](Program& p) {
    fuse_elementwise(p);
    fuse_siblings(p);
  });
  REQUIRE(after.steps.size() == 1);
  CHECK(after.steps[0].inputs.size() == 2);
  CHECK(after.steps[0].outputs.size() == 2);
}

TEST_CASE("neighbours of different shapes, or of which one needs the other, stay apart") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const Var p = b.exp(x);
  b.output("p", p);
  b.output("q", b.mul(x, b.sum(p, {1})));
  b.output("r", b.add(x, b.constant(Tensor::of<float>({2, 2, 3}, std::vector<float>(12, 1)))));
  CHECK(changed_by(program, {kX}, fuse_siblings).steps.size() == program.steps.size());
}

TEST_CASE("what only joined neighbours read is not kept in memory") {
  // s = R / z is shared by both branches of a residual sum.
  Program program;
  Builder b(program);
  const Var R = b.input("R", {2, 3}, DType::f32), x = b.input("x", {2, 3}, DType::f32);
  const Var s = b.div(R, b.add(x, 10.0));
  b.output("p", b.mul(s, x));
  b.output("q", b.mul(s, R));
  const Program after = changed_by(program, {kX, kX}, [](Program& p) {
    fuse_elementwise(p);
    fuse_siblings(p);
    fuse_elementwise(p);
  });
  CHECK(after.steps.size() == 1);
}

TEST_CASE("a result that only steps of one chain read is fused away") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const Var z = b.mul(b.exp(x), 2.0);
  b.output("y", b.div(x, b.select(b.equal(z, 0.0), b.scalar(1, DType::f32), z)));
  CHECK(changed_by(program, {kX}, fuse_elementwise).steps.size() == 1);
}

TEST_CASE("a step of several results that one step alone reads is fused into it") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32), z = b.input("z", {2, 3}, DType::f32);
  const Var difference = b.sub(x, z), above = b.less(z, x);
  b.output("p", b.select(above, difference, z));
  b.output("q", b.select(above, z, difference));
  const Program after = changed_by(program, {kX, Tensor::filled(DType::f32, {2, 3}, 0.5)}, [](Program& p) {
    fuse_siblings(p);
    CHECK(p.steps.size() == 2);
    fuse_elementwise(p);
  });
  CHECK(after.steps.size() == 1);
}

TEST_CASE("what every reader can compute from its other operands is not stored") {
  // Swish and its derivative: both read x and sigmoid(x).
  const auto swish = [](bool is_read_elsewhere) {
    Program program;
    Builder b(program);
    const Var x = b.input("x", {2, 3}, DType::f32), g = b.input("g", {2, 3}, DType::f32);
    const Var gate = b.unary(Opcode::sigmoid, x);
    b.output("y", b.sum(b.mul(x, gate), {0}));
    b.output("dx", b.mul(g, b.add(gate, b.mul(x, b.mul(gate, b.sub(b.scalar(1, DType::f32), gate))))));
    if (is_read_elsewhere) b.output("mean", b.sum(gate, {0}));
    return changed_by(program, {kX, kX}, [](Program& p) {
      fuse_elementwise(p);
      recompute_in_readers(p);
    });
  };
  CHECK(count(swish(false), "elementwise") == 2);
  CHECK(count(swish(true), "elementwise") == 3);
}

TEST_CASE("a chain whose links are read again later is repeated from its one operand") {
  // Hard swish z clip(z / 6 + 1/2, 0, 1), whose derivative asks where either bound holds.
  Program program;
  Builder b(program);
  const Var z = b.input("z", {2, 3}, DType::f32), g = b.input("g", {2, 3}, DType::f32);
  const Var zero = b.scalar(0, DType::f32), one = b.scalar(1, DType::f32);
  const Var line = b.add(b.mul(z, 1.0 / 6), 0.5), above = b.binary(Opcode::max, line, zero),
            gate = b.binary(Opcode::min, above, one);
  b.output("y", b.sum(b.mul(z, gate), {0}));
  const Var inside = b.select(b.less_equal(zero, line), b.select(b.less_equal(above, one), g, zero), zero);
  b.output("dz", b.sum(b.add(b.mul(g, gate), b.mul(b.mul(z, inside), 1.0 / 6)), {0}));
  const Program after = changed_by(program, {kX, kX}, [](Program& p) {
    fuse_elementwise(p);
    CHECK(count(p, "elementwise") == 5);
    recompute_in_readers(p);
  });
  CHECK(count(after, "elementwise") == 2);
}

TEST_CASE("steps that are put together compute equal values once") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  b.output("p", b.mul(b.exp(x), 2.0));
  b.output("q", b.mul(b.exp(x), 3.0));
  const Program after = changed_by(program, {kX}, [](Program& p) {
    fuse_elementwise(p);
    fuse_siblings(p);
  });
  REQUIRE(after.steps.size() == 1);
  CHECK(std::get<Elementwise>(after.steps[0].primitive).expression.code.size() == 3);
}

TEST_CASE("fusion keeps what a store would change") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {4}, DType::u8);
  b.output("y", b.cast(b.div(b.add(x, x), 2.0), DType::i64));  // 200 + 200 wraps to 144 in u8
  const Program after = changed_by(program, {Tensor::of<uint8_t>({4}, {200, 1, 2, 3})}, fuse_elementwise);
  CHECK(run(after, {Tensor::of<uint8_t>({4}, {200, 1, 2, 3})})[0].to_int64s() ==
        std::vector<int64_t>{72, 1, 2, 3});
}

/// x [T,B] taken apart in T rows, each of which flows back on its own.
Program taken_apart(int64_t rows) {
  Program program;
  Builder b(program);
  Var sum;
  for (int64_t t = 0; t < rows; ++t) {
    const Var g = b.input("g" + std::to_string(t), {1, 3}, DType::f32);
    const Var placed = b.place(b.exp(g), {t, 0}, {1, 1}, {rows + 1, 3});
    sum = sum ? b.add(sum, placed) : placed;
  }
  b.output("x", sum);
  return program;
}

double bytes_of(Program program) {
  join_places(program);
  eliminate_dead_code(program);
  return cost_of(make_plan(std::move(program), {})).bytes;
}

TEST_CASE("slices that flow back to different places are joined, at a cost linear in their number") {
  const std::vector<Tensor> rows(5, Tensor::of<float>({1, 3}, {1, -2, 3}));
  const Program after = changed_by(taken_apart(5), rows, [](Program& p) {
    join_places(p);
    eliminate_dead_code(p);
  });
  CHECK(count(after, "concat") == 1);
  CHECK(count(after, "place") == 0);
  CHECK(after.steps.size() == 6);
  // The gap behind the last row is part of the concat: linear up to a constant.
  CHECK(bytes_of(taken_apart(40)) - bytes_of(taken_apart(20)) ==
        bytes_of(taken_apart(60)) - bytes_of(taken_apart(40)));
}

TEST_CASE("slices that overlap are joined in layers; what else is added stays") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const auto placed = [&](int64_t at, double factor) {
    return b.place(b.mul(x, factor), {0, at}, {1, 1}, {2, 6});
  };
  const Var other = b.broadcast(b.sum(x, {1}), {2, 6});
  b.output("y", b.add(b.add(placed(0, 2), placed(1, 3)), b.add(other, b.add(placed(3, 4), placed(0, 5)))));
  const Program after = changed_by(program, {kX}, [](Program& p) {
    join_places(p);
    eliminate_dead_code(p);
  });
  // [0,3) with [3,6); [0,3) and [1,4) alone.
  CHECK(count(after, "concat") == 1);
  CHECK(count(after, "place") == 2);
}

TEST_CASE("slices that overlap in one place are not joined") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const auto placed = [&](int64_t at) { return b.place(b.exp(x), {0, at}, {1, 1}, {2, 6}); };
  b.output("y", b.add(placed(0), placed(2)));
  CHECK(count(changed_by(program, {kX}, join_places), "concat") == 0);
}

TEST_CASE("a placed slice that somebody else reads, or with holes, is left alone") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  const Var read_twice = b.place(x, {0, 0}, {1, 1}, {2, 6}), holes = b.place(x, {0, 1}, {1, 2}, {2, 6});
  b.output("y", b.add(read_twice, holes));
  b.output("z", read_twice);
  CHECK(count(changed_by(program, {kX}, join_places), "concat") == 0);
}

Program loop_program() {
  // y = sum over trips of step * (x + 1)
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  program.trips = 4;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({2, 3}, DType::f32);
  const Var next = b.add(current, b.mul(b.add(x, 1.0), b.cast(b.step_index(), DType::f32)));
  program.loop.push_back({b.filled(0, {2, 3}), current, next});
  b.set_block(Block::finish);
  b.output("y", b.mul(current, 1.0));
  return program;
}

TEST_CASE("a loop carries its variables from trip to trip") {
  const std::vector<double> y = run(loop_program(), {kX})[0].to_doubles();
  CHECK(y == std::vector<double>{12, -6, 24, -18, 36, -30});  // (0 + 1 + 2 + 3) * (x + 1)
}

TEST_CASE("what does not change inside a loop is computed before it") {
  const Program after = changed_by(loop_program(), {kX}, hoist_invariants);
  CHECK(std::ranges::count(after.steps, Block::once, &Step::block) == 1);
}

TEST_CASE("all passes together keep a loop's result") {
  const auto backend = make_reference_backend(true);
  changed_by(loop_program(), {kX}, [&](Program& p) { optimise(p, *backend); });
}

TEST_CASE("the bias of a convolution becomes part of the chain behind it") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {1, 2, 4}, DType::f32), w = b.input("w", {3, 2, 3}, DType::f32);
  const Var bias = b.constant(Tensor::of<float>({3}, {1, -2, 0.5f}));
  b.output("y", b.unary(Opcode::relu, b.convolution(x, w, bias, {{3}, {1}, {1}, {1}, {1}}, 1)));
  const std::vector<Tensor> inputs{Tensor::of<float>({1, 2, 4}, {1, 2, -3, 4, 0, 1, 5, -1}),
                                   Tensor::of<float>({3, 2, 3}, std::vector<float>(18, 0.25f))};
  program = changed_by(program, inputs, separate_bias);
  CHECK(program.steps.size() == 3);
  fuse_elementwise(program);
  CHECK(program.steps.size() == 2);
  CHECK(program.steps[0].inputs.size() == 2);
}

}  // namespace
}  // namespace onnxray::test
