#include "tests/api/model_file.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

/// x[2] f32 -> Cast -> y, declared as `type`.
ModelBuilder cast_to(int type) {
  ModelBuilder b;
  b.input("x", {2});
  ModelBuilder::declare(*b.graph().add_output(), "y", {2}, type);
  set_int(b.node("Cast", {"x"}, {"y"}), "to", type);
  return b;
}

Tensor run(const ModelBuilder& model, const SessionOptions& options) {
  Session session(ModelFile(model).load(), options);
  return session.run({Tensor::of<float>({2}, {1.0009765625F, -3})})[0].tensor;
}

TEST_CASE("outputs come in the types that their file declares, double where all is computed in double") {
  using Proto = onnx::TensorProto;
  const std::pair<int, DType> types[] = {
      {Proto::FLOAT, DType::f32},     {Proto::DOUBLE, DType::f64}, {Proto::FLOAT16, DType::f16},
      {Proto::BFLOAT16, DType::bf16}, {Proto::INT8, DType::i8},    {Proto::INT16, DType::i16},
      {Proto::INT32, DType::i32},     {Proto::INT64, DType::i64},  {Proto::BOOL, DType::boolean}};
  for (const auto& [proto, type] : types) {
    INFO(name_of(type));
    for (const char* backend : {"onednn", "reference"}) {
      const Tensor y = run(cast_to(proto), {.backend = backend});
      CHECK(y.dtype() == type);
      CHECK(y.as_double(1) == (type == DType::boolean ? 1 : -3));
    }
    const Tensor full = run(cast_to(proto), {.backend = "reference", .precision = "double"});
    CHECK(full.dtype() == (is_floating(type) ? DType::f64 : type));
  }
  // 1 + 2^-10 is a half, and rounds to 1 as a bfloat16.
  CHECK(run(cast_to(Proto::FLOAT16), {}).as_double(0) == 1.0009765625);
  CHECK(run(cast_to(Proto::BFLOAT16), {}).as_double(0) == 1);
}

TEST_CASE("a model without inputs runs") {
  ModelBuilder b;
  b.initialiser("c", {2}, {1, -2});
  b.node("Relu", {"c"}, {"y"});
  b.output("y");
  Session session(ModelFile(b).load());
  CHECK(session.run({})[0].tensor.to_doubles() == std::vector<double>{1, 0});
}

}  // namespace
}  // namespace onnxray::test
