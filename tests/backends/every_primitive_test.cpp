#include <map>

#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

bool is_real(const Result& r) { return is_floating(r.dtype); }

std::string text(const PrimitiveCase& c) { return c.name + ": " + attributes_text(c.primitive); }

}  // namespace

TEST_CASE("every primitive has cases") {
  std::map<size_t, int> seen;
  for (const PrimitiveCase& c : primitive_cases()) ++seen[c.primitive.index()];
  CHECK(seen.size() == std::variant_size_v<Primitive>);
}

TEST_CASE("strided operands give what dense ones give, bit by bit where no sum is reordered") {
  const auto compiler = make_reference_compiler_f64();
  for (const PrimitiveCase& c : primitive_cases()) {
    INFO(text(c));
    const std::vector<Tensor> dense = run_primitive(*compiler, c, {.real_size = 8});
    for (const Lay lay : {Lay::channels_last, Lay::scattered}) {
      const std::vector<Tensor> strided = run_primitive(*compiler, c, {.real_size = 8, .lay = lay});
      REQUIRE(strided.size() == dense.size());
      // A reduction sums along memory, so its terms come in another order: a few units of 2^-53 in at most
      // 1500 terms.
      const double tolerance = std::holds_alternative<Reduce>(c.primitive) ? 1e-14 : 0;
      for (size_t i = 0; i < dense.size(); ++i) CHECK(distance(strided[i], dense[i]) <= tolerance);
    }
  }
}

TEST_CASE("float agrees with double to rounding") {
  const auto single = make_reference_compiler_f32(), full = make_reference_compiler_f64();
  for (const PrimitiveCase& c : primitive_cases()) {
    INFO(text(c));
    const std::vector<Tensor> a = run_primitive(*single, c), b = run_primitive(*full, c, {.real_size = 8});
    for (size_t i = 0; i < b.size(); ++i) {
      // Float rounds at 6e-8; the chains and the steep functions (tan, pow, exp) amplify that a little.
      CHECK(distance(a[i], b[i]) <= (is_real(c.results[i]) ? 2e-6 : 0));
    }
  }
}

TEST_CASE("a constant operand changes nothing") {
  const auto compiler = make_reference_compiler_f32();
  for (const PrimitiveCase& c : primitive_cases()) {
    INFO(text(c));
    const std::vector<Tensor> a = run_primitive(*compiler, c),
                              b = run_primitive(*compiler, c, {.constants = true});
    for (size_t i = 0; i < a.size(); ++i) CHECK(distance(a[i], b[i]) == 0);
  }
}

}  // namespace onnxray::test
