#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

Tensor multiply(const Tensor& a, const Tensor& c, bool ta = false, bool tb = false,
                const Tensor* bias = nullptr) {
  std::vector<Tensor> in{a, c};
  if (bias) in.push_back(*bias);
  const auto compiler = make_reference_compiler_f64();
  const PrimitiveCase p = make_case(
      "", in, [&](Builder& b, const auto& v) { b.matmul(v[0], v[1], ta, tb, bias ? v[2] : Var{}); });
  return run_primitive(*compiler, p, {.real_size = 8})[0];
}

}  // namespace

TEST_CASE("a matrix product and its bias are what paper says") {
  const Tensor a = Tensor::of<double>({2, 2}, {1, 2, 3, 4}), c = Tensor::of<double>({2, 2}, {5, 6, 7, 8});
  const Tensor bias = Tensor::of<double>({2}, {100, 200});
  CHECK(multiply(a, c).to_doubles() == std::vector<double>{19, 22, 43, 50});
  CHECK(multiply(a, c, true, false).to_doubles() == std::vector<double>{26, 30, 38, 44});
  CHECK(multiply(a, c, false, true, &bias).to_doubles() == std::vector<double>{117, 223, 139, 253});
}

TEST_CASE("multiplying by the transpose is the adjoint of a matrix product") {
  const Tensor a = random_tensor({3, 5, 7}, 1), c = random_tensor({3, 7, 4}, 2),
               g = random_tensor({3, 5, 4}, 3);
  const double expected = dot(multiply(a, c), g);
  // 420 products in double.
  CHECK(dot(a, multiply(g, c, false, true)) == Approx(expected).epsilon(1e-12));
  CHECK(dot(c, multiply(a, g, true, false)) == Approx(expected).epsilon(1e-12));
}

TEST_CASE("leading axes broadcast") {
  const Tensor a = random_tensor({2, 1, 3, 4}, 1), c = random_tensor({5, 4, 2}, 2);
  const Tensor y = multiply(a, c);
  REQUIRE(y.shape() == Shape{2, 5, 3, 2});
  double sum = 0;  // y[1,3,2,1]
  for (int64_t k = 0; k < 4; ++k) sum += a.as_double(12 + 2 * 4 + k) * c.as_double(3 * 8 + k * 2 + 1);
  CHECK(y.as_double(((1 * 5 + 3) * 3 + 2) * 2 + 1) == sum);
}

}  // namespace onnxray::test
