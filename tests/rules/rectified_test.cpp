#include "rules/rectified.h"

#include <algorithm>

#include "core/builder.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

/// z, its Relu, and something unrelated of the same shape.
struct Values {
  Program program;
  Builder b{program};
  Var z = b.input("z", {1, 2, 4, 4}, DType::f32), g = b.input("g", {1, 2, 4, 4}, DType::f32);
  Var x = b.unary(Opcode::relu, z);
  Window pool{{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}};
};

TEST_CASE("relevance that was multiplied by Relu(z) is 0 where z is not positive") {
  Values v;
  const Var share = v.b.mul(v.x, v.g);
  for (const Var R : {share, v.b.add(share, v.b.mul(v.g, v.x)), v.b.div(share, v.g), v.b.neg(share)}) {
    CHECK(rectified_twin(v.program, R, v.z) == v.x);
    CHECK(vanishes_behind_relu(v.program, R, v.z));
  }
  for (const Var R : {v.g, v.b.add(share, v.g), v.b.mul(v.z, v.g), v.b.mul(v.b.exp(v.x), v.g)}) {
    CHECK_FALSE(rectified_twin(v.program, R, v.z));
    CHECK_FALSE(vanishes_behind_relu(v.program, R, v.z));
  }
}

TEST_CASE("so is relevance that comes through max pooling and reshapes") {
  Values v;
  const auto [y, winner] = v.b.max_pool(v.x, v.pool);
  const Var flat = v.b.reshape(y, {1, 8});
  const Var R = v.b.reshape(v.b.mul(flat, v.b.input("s", {1, 8}, DType::f32)), {1, 2, 2, 2});
  CHECK(vanishes_behind_relu(v.program, v.b.max_pool_scatter(R, winner, v.pool, {1, 2, 4, 4}), v.z));
  const Var other = v.b.input("r", {1, 2, 2, 2}, DType::f32);
  CHECK_FALSE(
      vanishes_behind_relu(v.program, v.b.max_pool_scatter(other, winner, v.pool, {1, 2, 4, 4}), v.z));
}

TEST_CASE("a capped Relu gates relevance, but does not stand for z") {
  Values v;
  for (const Var capped : {v.b.min(v.x, 6.0), v.b.clip(v.z, v.b.scalar(0), v.b.scalar(6))}) {
    const Var R = v.b.mul(capped, v.g);
    CHECK(vanishes_behind_relu(v.program, R, v.z));
    CHECK_FALSE(rectified_twin(v.program, R, v.z));
  }
}

TEST_CASE("a relevance program of Conv - Relu keeps no value in front of a Relu") {
  // Every convolution but the first of a residual sum is read by its Relu alone.
  const Program program = explanation_program(conv_net().graph, "lrp_epsilon_0_1");
  for (const Step& step : program.steps) {
    if (!std::holds_alternative<Convolution>(step.primitive)) continue;
    int64_t readers = 0;
    for (const Step& reader : program.steps) readers += std::ranges::count(reader.inputs, step.outputs[0]);
    CHECK(readers == 1);
  }
}

}  // namespace
}  // namespace onnxray::test
