#include <cmath>

#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

Var scaled(Builder& b, Var v, double factor) {
  if (factor == 1) return v;
  require(is_floating(b.dtype(v)) || factor == std::floor(factor), ErrorCode::unsupported,
          "it scales integers by {}; export the model in float32", factor);
  return b.mul(v, factor);
}

/// Y = op(A) (alpha op(B)) + beta C. The factor goes to the constant operand, where it costs nothing.
void lower_gemm(LowerContext& c) {
  Builder& b = c.b;
  Var left = c.input(0), right = c.input(1);
  require(b.rank(left) == 2 && b.rank(right) == 2, ErrorCode::bad_file,
          "its operands are {} and {}, not matrices", to_string(b.shape(left)), to_string(b.shape(right)));
  const double alpha = c.float_attr("alpha", 1), beta = c.float_attr("beta", 1);
  Var& factor = b.constant(left) ? left : right;
  factor = scaled(b, factor, alpha);
  const Var bias = c.has(2) && beta != 0 ? scaled(b, c.input(2), beta) : Var{};
  c.set(0, b.matmul(left, right, c.int_attr("transA", 0) != 0, c.int_attr("transB", 0) != 0, bias));
}

/// What matmul_add_to_bias makes of a product of stacked matrices and the Add behind it.
void lower_matmul_with_bias(LowerContext& c) {
  c.set(0, c.b.matmul(c.input(0), c.input(1), false, false, c.optional(2)));
}

/// numpy's matmul: a vector gains an axis of 1 for the product and loses it afterwards.
void lower_matmul(LowerContext& c) {
  Builder& b = c.b;
  Var m = c.input(0), n = c.input(1);
  const bool left_vector = b.rank(m) == 1, right_vector = b.rank(n) == 1;
  if (left_vector) m = b.reshape(m, {1, b.shape(m)[0]});
  if (right_vector) n = b.reshape(n, {b.shape(n)[0], 1});
  const Var y = b.matmul(m, n);
  Shape shape = b.shape(y);
  if (right_vector) shape.pop_back();
  if (left_vector) shape.erase(shape.end() - (right_vector ? 1 : 2));
  c.set(0, b.reshape(y, shape));
}

}  // namespace

std::vector<OpDef> gemm_ops() {
  return {
      {"", "Gemm", {1, 6, 7, 9, 11, 13}, lower_gemm, RelevanceClass::linear},
      {"", "MatMul", {1, 9, 13}, lower_matmul, RelevanceClass::linear},
      {"onnxray", "MatMul", {1}, lower_matmul_with_bias, RelevanceClass::linear},
  };
}

}  // namespace onnxray
