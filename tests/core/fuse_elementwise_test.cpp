#include <algorithm>

#include "backends/reference/reference.h"
#include "core/builder.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

/// Steps after a chain of `links` * 3 instructions on x and y, or on x, y and z, is fused with one of ten on
/// x and y that reads it; the results must not change.
int64_t steps_after(int links, bool reads_z) {
  const Tensor values = Tensor::of<float>({2, 3}, {1, -2, 3, -4, 5, -6});
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32), y = b.input("y", {2, 3}, DType::f32),
            z = b.input("z", {2, 3}, DType::f32);
  Var v = x;
  for (int k = 0; k < links; ++k) v = b.add(b.mul(b.add(v, 1.0 + k), x), reads_z ? z : y);
  const Var chain = v;
  fuse_elementwise(program);
  for (int k = 0; k < 3; ++k) v = b.sub(b.mul(b.sub(k == 0 ? x : v, 2.0 + k), y), x);
  b.output("result", b.mul(v, chain));

  const auto run = [&] {
    const auto backend = make_reference_backend(true);
    return backend->compile(make_plan(program, backend->plan_options()))
        ->run(std::vector{values, values, values})[0]
        .to_doubles();
  };
  const std::vector<double> before = run();
  fuse_elementwise(program);
  CHECK(run() == before);
  return std::ssize(program.steps);
}

TEST_CASE("a chain whose operands its reader reads anyway is fused up to 32 instructions") {
  CHECK(steps_after(4, false) == 1);  // 22 instructions
  CHECK(steps_after(7, false) == 1);  // 31
  CHECK(steps_after(8, false) > 1);   // 34
}

TEST_CASE("a chain that brings an operand along is fused up to 24 instructions") {
  CHECK(steps_after(4, true) == 1);  // 22
  CHECK(steps_after(5, true) > 1);   // 25
}

TEST_CASE("a step in front of a loop does not become part of one inside of it") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32), before = b.exp(x);
  program.trips = 3;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({2, 3}, DType::f32);
  program.loop.push_back({b.filled(0, {2, 3}), current, b.add(current, before)});
  b.set_block(Block::finish);
  b.output("y", b.neg(current));
  const size_t steps = program.steps.size();
  fuse_elementwise(program);
  CHECK(program.steps.size() == steps);
}

TEST_CASE("steps that are put together tell 0 from -0") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2}, DType::f32);
  b.output("y", b.sub(b.div(x, 0.0), b.div(x, -0.0)));
  fuse_elementwise(program);
  REQUIRE(program.steps.size() == 1);
  CHECK(std::get<Elementwise>(program.steps[0].primitive).expression.code.size() == 3);
}

}  // namespace
}  // namespace onnxray
