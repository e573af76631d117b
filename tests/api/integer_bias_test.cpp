#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/explain.h"

// Dynamically quantised convolutions with the bias among the integers, as ONNX Runtime's first tools wrote
// them.

namespace onnxray {
namespace {

using test::ModelBuilder;

onnx::NodeProto& cast(ModelBuilder& b, const std::string& x, const std::string& y, int64_t to) {
  onnx::NodeProto& node = b.node("Cast", {x}, {y});
  test::set_int(node, "to", to);
  return node;
}

void bytes(ModelBuilder& b, const std::string& name, const Shape& shape, const std::vector<int32_t>& values) {
  onnx::TensorProto& tensor = b.initialiser(name, shape, {});
  tensor.set_data_type(onnx::TensorProto::UINT8);
  for (const int32_t value : values) tensor.add_int32_data(value);
}

/// x [batch,2,6] -> DynamicQuantizeLinear -> ConvInteger -> real numbers with a bias for each of three
/// channels, added before or after the scales -> Relu -> Gemm -> y [batch,2]
ModelBuilder net(bool bias_is_integer) {
  ModelBuilder b;
  b.input("x", {-1, 2, 6}).output("y");
  bytes(b, "w", {3, 2, 3},
        {250, 90, 130, 40, 177, 128, 10, 201, 140, 99, 60, 215, 128, 33, 180, 240, 71, 155});
  bytes(b, "w_zero", {}, {128});
  b.initialiser("w_scale", {}, {0.01F});
  b.initialiser("bias", {3}, {0.31F, -0.23F, 0.17F});
  onnx::TensorProto& spread = b.initialiser("spread", {3}, {});
  spread.set_data_type(onnx::TensorProto::INT64);
  for (const int64_t extent : {1, 3, 1}) spread.add_int64_data(extent);
  b.node("DynamicQuantizeLinear", {"x"}, {"q", "x_scale", "x_zero"});
  b.node("Mul", {"x_scale", "w_scale"}, {"scales"});
  b.node("ConvInteger", {"q", "w", "x_zero", "w_zero"}, {"product"});
  if (bias_is_integer) {
    b.node("Mul", {"x_scale", "w_scale"}, {"bias_scale"});
    b.node("Div", {"bias", "bias_scale"}, {"steps"});
    b.node("Floor", {"steps"}, {"whole"});
    cast(b, "whole", "bias_q", onnx::TensorProto::INT32);
    b.node("Reshape", {"bias_q", "spread"}, {"bias_c"});
    b.node("Add", {"product", "bias_c"}, {"sum"});
    cast(b, "sum", "real", onnx::TensorProto::FLOAT);
    b.node("Mul", {"real", "scales"}, {"conv"});
  } else {
    cast(b, "product", "real", onnx::TensorProto::FLOAT);
    b.node("Mul", {"real", "scales"}, {"scaled"});
    b.node("Reshape", {"bias", "spread"}, {"bias_c"});
    b.node("Add", {"scaled", "bias_c"}, {"conv"});
  }
  b.node("Relu", {"conv"}, {"relu"});
  b.node("Flatten", {"relu"}, {"flat"});
  test::dense(b, "flat", "y", 12, 2);
  return b;
}

TEST_CASE("a bias among the integers is explained as one that is added to the real numbers", "[api]") {
  // It is rounded down to the grid of the sum, whose steps are 1e-4 of the outputs.
  constexpr double kStep = 1e-3;
  const Tensor x = test::hashed({1, 2, 6}, 7).to(DType::f32);
  for (const std::string method :
       {"gradient", "lrp_z", "lrp_z_plus", "lrp_epsilon_0_1", "lrp_gamma", "lrp:composite=epsilon_plus"}) {
    INFO(method);
    const auto explained = [&](bool bias_is_integer) {
      const test::ModelFile file(net(bias_is_integer));
      Session session(file.load());
      return session.explain(x, {.method = method, .target = Target::index(1)});
    };
    const Explanation integer = explained(true), real = explained(false);
    CHECK(test::difference(integer.output, real.output) < kStep);
    CHECK(test::difference(integer.attribution, real.attribution) < kStep);
  }
}

}  // namespace
}  // namespace onnxray
