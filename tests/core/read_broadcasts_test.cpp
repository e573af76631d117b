#include <algorithm>

#include "backends/reference/reference.h"
#include "core/builder.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

int64_t broadcasts(const Program& program) {
  return std::ranges::count_if(
      program.steps, [](const Step& step) { return std::holds_alternative<Broadcast>(step.primitive); });
}

std::vector<double> run(const Program& program, const Tensor& x) {
  const auto backend = make_reference_backend(true);
  return backend->compile(make_plan(program, backend->plan_options()))->run({{x}})[0].to_doubles();
}

const Tensor kX = Tensor::of<float>({2, 3, 1, 2}, {1, -2, 3, -4, 5, -6, 7, 8, -9, 10, 11, -12});

TEST_CASE("what an elementwise step repeats is not stored") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", kX.shape(), DType::f32);
  const Var mean = b.broadcast(b.sum(x, {2, 3}), kX.shape());
  b.output("y", b.mul(x, mean));
  const std::vector<double> before = run(program, kX);
  read_broadcasts(program);
  eliminate_dead_code(program);
  CHECK(broadcasts(program) == 0);
  CHECK(run(program, kX) == before);
}

TEST_CASE("a broadcast that gives a step its shape stays, and so does one that other steps read") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", kX.shape(), DType::f32);
  const Var row = b.broadcast(b.slice(x, {0, 0, 0, 0}, {1, 1, 1, 1}, {1, 1, 1, 2}), kX.shape());
  const Var column = b.broadcast(b.slice(x, {0, 0, 0, 0}, {1, 1, 1, 1}, {2, 1, 1, 1}), kX.shape());
  b.output("y", b.sum(b.mul(b.exp(row), b.mul(row, column)), {1}));
  b.output("z", b.transpose(column, {1, 0, 2, 3}));
  const std::vector<double> before = run(program, kX);
  read_broadcasts(program);
  eliminate_dead_code(program);
  CHECK(broadcasts(program) == 2);
  CHECK(run(program, kX) == before);
}

}  // namespace
}  // namespace onnxray
