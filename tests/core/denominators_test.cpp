#include "core/optimise/denominators.h"

#include "core/builder.h"
#include "tests/catch.h"

namespace onnxray::test {

TEST_CASE("a product that is divided by is found, one that only adds up is not") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {1, 4}, DType::f32), w = b.input("w", {4, 4}, DType::f32);
  const Var z = b.matmul(x, w), g = b.matmul(z, w);
  const Var shifted = b.binary(Opcode::add, b.reshape(z, {4}), 1e-6);
  b.output("y", b.binary(Opcode::div, b.reshape(g, {4}), shifted));
  const std::vector<bool> found = find_denominators(program);
  CHECK(found[static_cast<size_t>(z.id)]);
  CHECK_FALSE(found[static_cast<size_t>(g.id)]);
  CHECK_FALSE(found[static_cast<size_t>(x.id)]);  // a product lies between
}

TEST_CASE("a bias without zeros leaves a comparison none to mind, but not a denominator") {
  for (const float second : {0.0f, 2.0f}) {
    Program program;
    Builder b(program);
    const Var x = b.input("x", {1, 2}, DType::f32), w = b.input("w", {2, 2}, DType::f32);
    const Var z = b.matmul(x, w), g = b.matmul(x, w, false, true);
    const Var bias = b.constant(Tensor::of<float>({1, 2}, {1, second}));
    b.output("mask", b.binary(Opcode::less, b.binary(Opcode::add, z, bias), 0.0));
    b.output("y", b.binary(Opcode::div, x, b.binary(Opcode::add, g, bias)));
    const std::vector<bool> found = find_denominators(program);
    CHECK(found[static_cast<size_t>(z.id)] == (second == 0));
    CHECK(found[static_cast<size_t>(g.id)]);
  }
}

TEST_CASE("so does the bias of a product itself") {
  for (const float second : {0.0f, 2.0f}) {
    Program program;
    Builder b(program);
    const Var x = b.input("x", {1, 2}, DType::f32), w = b.input("w", {2, 2}, DType::f32);
    const Var z = b.matmul(x, w, false, false, b.constant(Tensor::of<float>({2}, {1, second})));
    b.output("mask", b.binary(Opcode::less, z, 0.0));
    CHECK(find_denominators(program)[static_cast<size_t>(z.id)] == (second == 0));
  }
}

TEST_CASE("a comparison counts as a denominator, a loop carries the mark to the trip before") {
  Program program;
  Builder b(program);
  const Var w = b.input("w", {2, 2}, DType::f32), start = b.matmul(w, w);
  const Var current = program.add_variable({2, 2}, DType::f32);
  b.set_block(Block::repeat);
  const Var product = b.matmul(w, w), next = b.binary(Opcode::add, current, product);
  program.loop.push_back({start, current, next});
  b.set_block(Block::finish);
  b.output("y", b.binary(Opcode::less, current, 0.5));
  const std::vector<bool> found = find_denominators(program);
  CHECK(found[static_cast<size_t>(product.id)]);
  CHECK(found[static_cast<size_t>(start.id)]);
}

}  // namespace onnxray::test
