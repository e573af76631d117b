#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

bool works_per_sample(const Primitive& p) {
  return std::holds_alternative<Convolution>(p) || std::holds_alternative<ConvolutionInput>(p) ||
         std::holds_alternative<MaxPool>(p) || std::holds_alternative<MaxPoolScatter>(p) ||
         std::holds_alternative<SumPool>(p) || std::holds_alternative<SumPoolInput>(p);
}

Tensor first_sample(const Tensor& t) {
  Shape shape = t.shape();
  shape[0] = 1;
  Tensor result(t.dtype(), shape);
  std::copy_n(t.bytes(), result.byte_size(), result.mutable_bytes());
  return result;
}

Primitive of_one_sample(Primitive p) {
  if (auto* c = std::get_if<ConvolutionInput>(&p)) c->shape[0] = 1;
  if (auto* c = std::get_if<MaxPoolScatter>(&p)) c->shape[0] = 1;
  if (auto* c = std::get_if<SumPoolInput>(&p)) c->shape[0] = 1;
  return p;
}

}  // namespace

TEST_CASE("a sample's result does not depend on its batch, bit by bit") {
  const auto compiler = make_reference_compiler_f32();
  for (const PrimitiveCase& c : primitive_cases()) {
    if (!works_per_sample(c.primitive)) continue;
    INFO(c.name);
    PrimitiveCase one{c.name, of_one_sample(c.primitive), c.inputs, c.results};
    one.inputs[0] = first_sample(c.inputs[0]);
    const bool winners = std::holds_alternative<MaxPoolScatter>(c.primitive);
    if (winners) one.inputs[1] = first_sample(c.inputs[1]);
    for (Result& r : one.results) r.shape[0] = 1;
    const auto alone = run_primitive(*compiler, one), together = run_primitive(*compiler, c);
    for (size_t i = 0; i < alone.size(); ++i) CHECK(distance(alone[i], first_sample(together[i])) == 0);
  }
}

TEST_CASE("a row's product and reduction do not depend on the other rows, bit by bit") {
  const auto compiler = make_reference_compiler_f32();
  const Tensor x = random_tensor({7, 300}, 1), w = random_tensor({50, 300}, 2);
  const auto linear = [](Builder& b, const auto& v) { b.matmul(v[0], v[1], false, true); };
  const auto sum = [](Builder& b, const auto& v) { b.sum(v[0], {1}); };
  const auto run = [&](std::vector<Tensor> in, const auto& emit) {
    return run_primitive(*compiler, make_case("", std::move(in), emit))[0];
  };
  CHECK(distance(run({first_sample(x), w}, linear), first_sample(run({x, w}, linear))) == 0);
  CHECK(distance(run({first_sample(x)}, sum), first_sample(run({x}, sum))) == 0);
}

}  // namespace onnxray::test
