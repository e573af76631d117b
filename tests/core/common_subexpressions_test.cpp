#include "core/builder.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

TEST_CASE("a step behind a loop is not the one inside, which reads what its last trip began with") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {4}, DType::f32);
  program.trips = 3;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({4}, DType::f32);
  const Var inside = b.exp(current);
  program.loop.push_back({x, current, b.mul(inside, 0.5)});
  b.set_block(Block::finish);
  const Var behind = b.exp(current);
  b.output("y", behind);
  eliminate_common_subexpressions(program);
  CHECK(program.outputs[0].var == behind);
  CHECK(program.steps.size() == 3);
}

TEST_CASE("equal steps whose results are of another type are not one") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {4}, DType::f32);
  b.output("signed", b.cast(x, DType::i8));
  b.output("unsigned", b.cast(x, DType::u8));
  eliminate_common_subexpressions(program);
  CHECK(program.steps.size() == 2);
  CHECK(program.outputs[0].var != program.outputs[1].var);
}

}  // namespace
}  // namespace onnxray
