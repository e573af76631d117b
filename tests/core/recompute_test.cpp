#include "core/recompute.h"

#include <algorithm>

#include "backends/reference/reference.h"
#include "core/builder.h"
#include "core/cost.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

constexpr int kLayers = 32;
constexpr int64_t kUnits = 256;

/// y[k+1] = tanh(2 y[k]), and back through all of them: every y waits for its turn.
Var there_and_back(Builder& b, Var y) {
  std::vector<Var> kept;
  for (int k = 0; k < kLayers; ++k) kept.push_back(y = b.unary(Opcode::tanh, b.mul(y, 2.0)));
  Var g = b.mul(y, 1.0);
  for (int k = kLayers; k-- > 0;) {
    const Var slope = b.sub(1.0, b.mul(kept[static_cast<size_t>(k)], kept[static_cast<size_t>(k)]));
    g = b.mul(b.mul(g, slope), 2.0);
  }
  return g;
}

Program there_and_back() {
  Program program;
  Builder b(program);
  b.output("g", there_and_back(b, b.input("x", {kUnits}, DType::f32)));
  fuse_elementwise(program);
  return program;
}

/// The same in every trip of a loop, from what is computed before it.
Program there_and_back_in_a_loop() {
  Program program;
  Builder b(program);
  const Var before = b.exp(b.input("x", {kUnits}, DType::f32));
  program.trips = 3;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({kUnits}, DType::f32);
  const Var g = there_and_back(b, b.mul(before, current));
  program.loop.push_back({b.filled(1, {kUnits}), current, b.add(current, g)});
  b.set_block(Block::finish);
  b.output("g", b.neg(current));
  fuse_elementwise(program);
  return program;
}

struct Outcome {
  std::vector<double> values;
  int64_t arena = 0;
  size_t steps = 0;
};

Outcome run(Program program) {
  const auto backend = make_reference_backend(true);
  const Plan plan = make_plan(std::move(program), backend->plan_options());
  std::vector<double> x;
  for (int64_t i = 0; i < kUnits; ++i) x.push_back(static_cast<double>(i) / 100 - 1.3);
  const std::vector<Tensor> results =
      backend->compile(plan)->run(std::vector{Tensor::of<double>({kUnits}, x)});
  return {results[0].to_doubles(), plan.arena_bytes, plan.program.steps.size()};
}

TEST_CASE("values that wait long are computed again where memory is short") {
  const PlanOptions options = make_reference_backend(true)->plan_options();
  const Outcome whole = run(there_and_back());
  for (const int64_t share : {2, 3}) {
    const Outcome less = run(recompute_to_fit(there_and_back(), options, whole.arena / share));
    CAPTURE(share, whole.arena, less.arena, whole.steps, less.steps);
    CHECK(less.values == whole.values);  // the same operations in the same order
    CHECK(less.arena <= whole.arena / share);
    CHECK(less.steps <= 2 * whole.steps);  // nothing is computed more than twice
  }
}

TEST_CASE("a program that fits is left alone") {
  const PlanOptions options = make_reference_backend(true)->plan_options();
  const Outcome whole = run(there_and_back());
  CHECK(run(recompute_to_fit(there_and_back(), options, whole.arena)).steps == whole.steps);
}

TEST_CASE("where no budget can be met, the smallest arena found is returned") {
  const PlanOptions options = make_reference_backend(true)->plan_options();
  const Outcome whole = run(there_and_back()), least = run(recompute_to_fit(there_and_back(), options, 0));
  CHECK(least.values == whole.values);
  CHECK(least.arena < whole.arena / 3);
}

TEST_CASE("what a loop computes again it makes of what the loop computes") {
  const PlanOptions options = make_reference_backend(true)->plan_options();
  const Outcome whole = run(there_and_back_in_a_loop());
  for (const int64_t share : {2, 3, 8}) {
    const Program program = recompute_to_fit(there_and_back_in_a_loop(), options, whole.arena / share);
    CHECK(std::ranges::is_sorted(program.steps, {}, &Step::block));
    const Outcome less = run(program);
    CAPTURE(share, whole.arena, less.arena);
    CHECK(less.values == whole.values);
    CHECK(less.arena < whole.arena);
  }
}

}  // namespace
}  // namespace onnxray
