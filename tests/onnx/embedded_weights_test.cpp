#include "onnx/embedded_weights.h"

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;
using namespace onnxray::test;

namespace {

constexpr int64_t kCount = 2048;

std::vector<float> ramp() {
  std::vector<float> values(kCount);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

std::string raw_ramp() {
  const std::vector<float> values = ramp();
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// y = x + large + small + typed. The name of `large` is padded: it shifts where its data lies.
ModelBuilder model_of_weights(size_t padding = 0) {
  const std::string large = "large" + std::string(padding, '_');
  ModelBuilder b;
  b.input("x", {kCount}).output("y");
  b.initialiser(large, {kCount}, {}).set_raw_data(raw_ramp());
  b.initialiser("small", {1}, {}).set_raw_data(std::string(4, '\0'));
  b.initialiser("typed", {kCount}, ramp());
  b.node("Add", {"x", large}, {"a"});
  b.node("Add", {"a", "small"}, {"b"});
  b.node("Add", {"b", "typed"}, {"y"});
  return b;
}

std::vector<float> first_constant(const ImportedModel& model) {
  const auto& value = model.graph[model.graph.nodes.at(0).inputs.at(1)];
  const auto data = value.constant->data<float>();
  return {data.begin(), data.end()};
}

bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace

TEST_CASE("Large raw data leaves the model, and nothing else does", "[onnx]") {
  const std::string bytes = model_of_weights().bytes();
  const auto lean = without_weights(as_bytes(bytes));
  REQUIRE(lean);
  REQUIRE(lean->weights.size() == 3);
  REQUIRE(lean->weights[0].size() == kCount * sizeof(float));
  CHECK(lies_in(lean->weights[0], as_bytes(bytes)));
  CHECK(lean->weights[1].empty());
  CHECK(lean->weights[2].empty());
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(lean->bytes));
  CHECK(model.graph().initializer(0).has_raw_data());
  CHECK(model.graph().initializer(0).raw_data().empty());
  const auto* weights = reinterpret_cast<const char*>(lean->weights[0].data());
  model.mutable_graph()->mutable_initializer(0)->set_raw_data(weights, lean->weights[0].size());
  CHECK(model.SerializeAsString() == bytes);
}

TEST_CASE("Values given twice stay in the model, where they are refused", "[onnx]") {
  ModelBuilder typed_too = model_of_weights();
  typed_too.graph().mutable_initializer(0)->add_float_data(1);
  CHECK(without_weights(as_bytes(typed_too.bytes()))->weights[0].empty());
  CHECK(std::string(error_of(typed_too).what()).find("twice") != std::string::npos);

  onnx::TensorProto again;
  again.set_raw_data(raw_ramp());
  ModelBuilder twice = model_of_weights();
  add_unknown(twice.graph(), onnx::GraphProto::kInitializerFieldNumber,
              again.SerializeAsString() + again.SerializeAsString());
  CHECK(without_weights(as_bytes(twice.bytes()))->weights.back().empty());
}

TEST_CASE("Large raw data must fit its shape, too", "[onnx]") {
  ModelBuilder b = model_of_weights();
  b.graph().mutable_initializer(0)->set_dims(0, kCount - 1);
  CHECK(std::string(error_of(b).what()).find("holds 8192 bytes where f32 of shape [2047] needs 8188") !=
        std::string::npos);
}

TEST_CASE("A malformed model has no lean form", "[onnx]") {
  const std::string bytes = model_of_weights().bytes();
  CHECK_FALSE(without_weights(as_bytes(bytes.substr(0, bytes.size() - 30))));
  CHECK_FALSE(without_weights(as_bytes("\x3a\xff\xff\xff\xff\x7f")));  // a graph of 34 GB
  CHECK_FALSE(without_weights(as_bytes(std::string("\0\0", 2))));
}

TEST_CASE("Weights of a model in memory outlive its bytes", "[onnx]") {
  for (size_t padding = 0; padding < 4; ++padding) {
    std::string bytes = model_of_weights(padding).bytes();
    const ImportedModel model = import_onnx(as_bytes(bytes), {}, few_ops());
    std::ranges::fill(bytes, '\xff');
    CHECK(first_constant(model) == ramp());
  }
}

TEST_CASE("Weights of a model file are read at every alignment, and outlive its name", "[onnx]") {
  const auto path =
      std::filesystem::temp_directory_path() / ("onnxray_embedded_" + std::to_string(::getpid()) + ".onnx");
  for (size_t padding = 0; padding < 4; ++padding) {
    std::ofstream(path, std::ios::binary) << model_of_weights(padding).bytes();
    const ImportedModel model = import_onnx(path, few_ops());
    std::filesystem::remove(path);
    CHECK(first_constant(model) == ramp());
  }
}
