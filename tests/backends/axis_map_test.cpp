#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

Tensor run(const Tensor& x, int64_t axis, const AxisTable& table) {
  const auto compiler = make_reference_compiler_f64();
  const auto shared = std::make_shared<const AxisTable>(table);
  return run_primitive(*compiler,
                       make_case("", {x}, [&](Builder& b, const auto& v) { b.axis_map(v[0], axis, shared); }),
                       {.real_size = 8})[0];
}

/// Three places to four: a copy, a mean, nothing, and a place that is read twice.
AxisTable small_table() {
  return {.in = 3,
          .out = 4,
          .offsets = {0, 1, 3, 3, 5},
          .index = {0, 0, 1, 2, 2},
          .weight = {1, 0.5, 0.5, 2, -0.5}};
}

}  // namespace

TEST_CASE("an axis map weighs the places that its table names") {
  const Tensor y = run(Tensor::of<double>({2, 3}, {1, 3, 10, 2, 4, 20}), 1, small_table());
  CHECK(y.to_doubles() == std::vector<double>{1, 2, 0, 15, 2, 3, 0, 30});
}

TEST_CASE("the transposed table is the adjoint of an axis map") {
  for (const int64_t axis : {0, 1, 2}) {
    Shape in{2, 5, 4}, out = in;
    in[static_cast<size_t>(axis)] = 3;
    out[static_cast<size_t>(axis)] = 4;
    const Tensor x = random_tensor(in, 1), g = random_tensor(out, 2);
    const double forward = dot(run(x, axis, small_table()), g);
    CHECK(dot(x, run(g, axis, transposed(small_table()))) ==
          Approx(forward).epsilon(1e-13));  // 200 products in double
  }
}

}  // namespace onnxray::test
