#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// Y = alpha op(A) op(B) + beta C
void lower_gemm(LowerContext& c) {
  Builder& b = c.b;
  const double alpha = c.float_attr("alpha", 1), beta = c.float_attr("beta", 1);
  const bool ta = c.int_attr("transA", 0) != 0, tb = c.int_attr("transB", 0) != 0;
  const bool has_c = c.has(2) && beta != 0;
  const Var bias = !has_c || beta == 1 ? c.optional(2) : b.mul(c.input(2), beta);
  if (alpha == 1) return c.set(0, b.matmul(c.input(0), c.input(1), ta, tb, has_c ? bias : Var{}));
  const Var product = b.mul(b.matmul(c.input(0), c.input(1), ta, tb), alpha);
  c.set(0, has_c ? b.add(product, bias) : product);
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
  };
}

}  // namespace onnxray
