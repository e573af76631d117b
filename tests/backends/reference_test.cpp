#include "backends/reference/reference.h"

#include "core/builder.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

TEST_CASE("the reference backend runs a planned program in float and in double") {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {1, 2, 5, 5}, DType::f32);
  const Var w = b.constant(random_tensor({3, 2, 3, 3}, 1));
  const Window window{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  const Var z = b.unary(Opcode::relu, b.convolution(x, w, {}, window, 1));
  b.output("y", b.reshape(b.sum(z, {2, 3}), {3}));
  const Tensor inputs[] = {random_tensor({1, 2, 5, 5}, 2)};
  std::vector<Tensor> results;
  for (const bool full : {false, true}) {
    const auto backend = make_reference_backend(full);
    CHECK(backend->name() == "reference");
    const auto executable = backend->compile(make_plan(program, backend->plan_options()));
    results.push_back(executable->run(inputs).at(0));
    CHECK(results.back().dtype() == (full ? DType::f64 : DType::f32));
  }
  CHECK(distance(results[0], results[1]) < 1e-6);  // float rounds at 6e-8, over 25 summands
}

}  // namespace onnxray::test
