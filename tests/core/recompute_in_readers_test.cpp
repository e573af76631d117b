#include <algorithm>

#include "backends/reference/reference.h"
#include "core/builder.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

const Tensor kX = Tensor::of<float>({2, 3}, {1, -2, 3, -4, 5, -6});

std::vector<double> run(const Program& program) {
  const auto backend = make_reference_backend(true);
  return backend->compile(make_plan(program, backend->plan_options()))
      ->run(std::vector{kX, kX})[0]
      .to_doubles();
}

/// How many elementwise steps read `v`, before and after.
std::pair<int64_t, int64_t> readers_of(Program& program, Var v) {
  const auto count = [&] {
    return std::ranges::count_if(program.steps, [&](const Step& step) {
      return std::holds_alternative<Elementwise>(step.primitive) &&
             std::ranges::find(step.inputs, v) != step.inputs.end();
    });
  };
  const int64_t before = count();
  const std::vector<double> expected = run(program);
  recompute_in_readers(program);
  CHECK(run(program) == expected);
  return {before, count()};
}

TEST_CASE("a step that reads z does not read the clip of z, which a product reads") {
  Program program;
  Builder b(program);
  const Var z = b.input("z", {2, 3}, DType::f32), g = b.input("g", {2, 3}, DType::f32);
  const Var clip = b.min(b.max(z, 0.0), 2.5);
  fuse_elementwise(program);
  const Var product = b.matmul(clip, b.transpose(g, {1, 0}));
  const Var quotient = b.div(b.mul(clip, g), z);
  fuse_elementwise(program);
  b.output("y", b.matmul(product, quotient));
  CHECK(readers_of(program, clip) == std::pair<int64_t, int64_t>{1, 0});
}

TEST_CASE("a step that does not read z, or for which the value costs much, reads the value") {
  Program program;
  Builder b(program);
  const Var z = b.input("z", {2, 3}, DType::f32), g = b.input("g", {2, 3}, DType::f32);
  const Var clip = b.max(z, 0.0), curve = b.exp(b.exp(z));
  const Var product = b.matmul(clip, b.transpose(curve, {1, 0}));
  b.output("y", b.matmul(product, b.mul(clip, g)));
  b.output("w", b.mul(b.transpose(b.mul(curve, z), {1, 0}), 2.0));
  fuse_elementwise(program);
  Program other = program;
  CHECK(readers_of(program, clip) == std::pair<int64_t, int64_t>{1, 1});
  CHECK(readers_of(other, curve) == std::pair<int64_t, int64_t>{1, 1});
}

}  // namespace
}  // namespace onnxray
