#include "backward/finiteness.h"

#include <cmath>

#include "core/builder.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

struct Net {
  Program program;
  Builder b{program};
  Var x = b.input("x", {2, 3}, DType::f32);
  /// What no input reaches without a sum over many entries.
  Var inner = b.matmul(x, b.constant(Tensor::filled(DType::f32, {3, 3}, 1)));

  bool infinite(Var v) const { return infinite_variables(program)[static_cast<size_t>(v.id)]; }
};

TEST_CASE("inputs may be infinite, and what elementwise steps and movement make of them") {
  Net n;
  CHECK(n.infinite(n.x));
  CHECK(n.infinite(n.b.add(n.inner, n.x)));
  CHECK(n.infinite(n.b.reshape(n.b.mul(n.x, 2.0), {3, 2})));
  CHECK_FALSE(n.infinite(n.inner));
  CHECK_FALSE(n.infinite(n.b.unary(Opcode::relu, n.inner)));
  CHECK_FALSE(n.infinite(n.b.less(n.x, 0.0)));
  CHECK_FALSE(n.infinite(n.b.input("ids", {2}, DType::i64)));
}

TEST_CASE("a masked score may be infinite, and its softmax NaN") {
  Net n;
  const Var mask = n.b.less(n.inner, 0.0);
  const auto softmax_of = [&](double masked) {
    return n.infinite(n.b.softmax(n.b.select(mask, n.b.scalar(masked), n.inner), 1));
  };
  CHECK(softmax_of(-INFINITY));
  CHECK_FALSE(softmax_of(-1e30));
  CHECK_FALSE(n.infinite(n.b.softmax(n.inner, 1)));
}

TEST_CASE("rows of a table may be infinite where an entry of it is") {
  Net n;
  const Var ids = n.b.input("ids", {2}, DType::i64);
  const auto rows_of = [&](float first) {
    return n.b.gather(n.b.constant(Tensor::of<float>({2, 3}, {first, 1, 2, 3, 4, 5})), ids, 0);
  };
  CHECK_FALSE(n.infinite(rows_of(0)));
  CHECK(n.infinite(rows_of(-INFINITY)));
  CHECK(n.infinite(n.b.add(n.inner, rows_of(NAN))));
}

TEST_CASE("logarithms, exponentials and quotients may be infinite unless their operand keeps from it") {
  Net n;
  Builder& b = n.b;
  const Var square = b.mean(b.mul(n.inner, n.inner), {1});
  CHECK(n.infinite(b.unary(Opcode::log, n.inner)));
  CHECK(n.infinite(b.exp(n.inner)));
  CHECK(n.infinite(b.div(n.inner, square)));
  CHECK(n.infinite(b.sqrt(n.inner)));
  CHECK_FALSE(n.infinite(b.sqrt(square)));
  CHECK_FALSE(n.infinite(b.div(n.inner, b.scalar(3.0))));
  // As normalisations have it.
  CHECK_FALSE(n.infinite(b.mul(n.inner, b.unary(Opcode::reciprocal, b.sqrt(b.add(square, 1e-5))))));
  CHECK_FALSE(n.infinite(b.div(n.inner, b.max(b.sqrt(square), 1e-12))));
  CHECK(n.infinite(b.div(n.inner, b.add(n.inner, 1.0))));
  CHECK_FALSE(n.infinite(b.pow(n.inner, 3.0)));
  CHECK(n.infinite(b.pow(n.inner, -1.0)));
  CHECK(n.infinite(b.pow(n.inner, 0.5)));
  CHECK_FALSE(n.infinite(b.pow(b.add(square, 1.0), -0.75)));
}

}  // namespace
}  // namespace onnxray
