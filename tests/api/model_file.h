#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "api/onnxray.h"
#include "tests/onnx/model_builder.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {

/// An ONNX file in the temporary folder, gone with the object.
class ModelFile {
 public:
  explicit ModelFile(const ModelBuilder& builder) : ModelFile(builder.bytes()) {}
  explicit ModelFile(const std::string& bytes) {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("onnxray_api_" + std::to_string(getpid()) + "_" + std::to_string(count++) + ".onnx");
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  ~ModelFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  Model load() const { return Model::load(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline onnx::NodeProto& set_ints(onnx::NodeProto& node, const std::string& name,
                                 const std::vector<int64_t>& values) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute.add_ints(value);
  return node;
}

/// A weight of even spread.
inline void weight(ModelBuilder& builder, const std::string& name, const Shape& shape, int64_t seed,
                   double scale = 0.6) {
  const std::vector<double> values = hashed_values(element_count(shape), seed, scale);
  builder.initialiser(name, shape, {values.begin(), values.end()});
}

inline void conv(ModelBuilder& builder, const std::string& x, const std::string& y, int64_t in, int64_t out) {
  weight(builder, y + ".w", {out, in, 3, 3}, in + 10 * out);
  weight(builder, y + ".b", {out}, out, 0.3);
  onnx::NodeProto& node = builder.node("Conv", {x, y + ".w", y + ".b"}, {y});
  node.set_name(y);
  set_ints(node, "pads", {1, 1, 1, 1});
}

inline void dense(ModelBuilder& builder, const std::string& x, const std::string& y, int64_t in,
                  int64_t out) {
  weight(builder, y + ".w", {in, out}, in + 10 * out);
  weight(builder, y + ".b", {out}, out, 0.3);
  builder.node("Gemm", {x, y + ".w", y + ".b"}, {y}).set_name(y);
}

inline void pool(ModelBuilder& builder, const std::string& op, const std::string& x, const std::string& y) {
  onnx::NodeProto& node = builder.node(op, {x}, {y});
  set_ints(node, "kernel_shape", {2, 2});
  set_ints(node, "strides", {2, 2});
}

/// image[batch,3,8,8] -> Conv - Relu - MaxPool - Conv - Relu - Gemm -> scores -> Softmax -> probabilities
inline ModelBuilder classifier() {
  ModelBuilder b;
  b.input("image", {-1, 3, 8, 8}).output("probabilities");
  conv(b, "image", "conv1", 3, 8);
  b.node("Relu", {"conv1"}, {"relu1"});
  pool(b, "MaxPool", "relu1", "pool1");
  conv(b, "pool1", "conv2", 8, 4);
  b.node("Relu", {"conv2"}, {"relu2"});
  b.node("Flatten", {"relu2"}, {"flat"});
  dense(b, "flat", "scores", 64, 5);
  b.node("Softmax", {"scores"}, {"probabilities"});
  return b;
}

/// image[batch,3,8,8] -> Conv - BatchNormalization - Relu - x + Relu(Conv(x)) - AveragePool -
/// GlobalAveragePool - Gemm
inline ModelBuilder residual() {
  ModelBuilder b;
  b.input("image", {-1, 3, 8, 8}).output("scores");
  conv(b, "image", "conv1", 3, 8);
  weight(b, "scale", {8}, 1);
  weight(b, "shift", {8}, 2);
  weight(b, "mean", {8}, 3);
  b.initialiser("variance", {8}, {1, 2, .5, 1.5, 3, .7, .9, 1.1F});
  b.node("BatchNormalization", {"conv1", "scale", "shift", "mean", "variance"}, {"norm1"});
  b.node("Relu", {"norm1"}, {"relu1"});
  conv(b, "relu1", "conv2", 8, 8);
  b.node("Relu", {"conv2"}, {"relu2"});
  b.node("Add", {"relu1", "relu2"}, {"sum"});
  pool(b, "AveragePool", "sum", "pool");
  b.node("GlobalAveragePool", {"pool"}, {"mean_pool"});
  b.node("Flatten", {"mean_pool"}, {"flat"});
  dense(b, "flat", "scores", 8, 5);
  return b;
}

/// x[batch,4] -> x - mean over the batch -> dense
inline ModelBuilder centred() {
  ModelBuilder b;
  b.input("x", {-1, 4}).output("scores");
  set_ints(b.node("ReduceMean", {"x"}, {"mean"}), "axes", {0});
  b.node("Sub", {"x", "mean"}, {"centred"});
  dense(b, "centred", "scores", 4, 3);
  return b;
}

inline Tensor image(int64_t samples, int64_t seed = 5) {
  return hashed({samples, 3, 8, 8}, seed).to(DType::f32);
}

}  // namespace onnxray::test
