#pragma once

#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/explain.h"

// Small nets on the rows of a table that ids choose.

namespace onnxray::test {

inline const SessionOptions kDouble{.backend = "reference", .precision = "double"};
constexpr int64_t kTokens = 3, kWidth = 4, kVocabulary = 12;
// Equal arithmetic in double; sums over rows may be taken in another order.
constexpr double kSame = 1e-12;

inline const std::vector<std::string> kMethods{"gradient",
                                               "gradient:tokens=sum",
                                               "gradient:tokens=dot",
                                               "gradient_x_input",
                                               "gradient_x_sign",
                                               "guided_backprop",
                                               "integrated_gradients_steps_5",
                                               "smoothgrad_samples_3",
                                               "vargrad_samples_3",
                                               "occlusion:window=1,stride=1",
                                               "occlusion:window=2,stride=1",
                                               "lrp_z",
                                               "lrp_epsilon_0_1",
                                               "lrp_z_plus"};

inline void ints(ModelBuilder& b, const std::string& name, const Shape& shape,
                 const std::vector<int64_t>& values) {
  onnx::TensorProto& tensor = b.initialiser(name, shape, {});
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (const int64_t value : values) tensor.add_int64_data(value);
}

inline onnx::NodeProto& cast(ModelBuilder& b, const std::string& x, const std::string& y, int64_t to) {
  onnx::NodeProto& node = b.node("Cast", {x}, {y});
  set_int(node, "to", to);
  return node;
}

/// rows [batch, tokens, width] -> Flatten - Gemm - Relu - Gemm -> scores
inline void classify(ModelBuilder& b, const std::string& rows, int64_t size = kTokens * kWidth) {
  b.output("scores");
  b.node("Flatten", {rows}, {"flat"});
  dense(b, "flat", "hidden", size, 6);
  b.node("Relu", {"hidden"}, {"relu"});
  dense(b, "relu", "scores", 6, 2);
}

inline void table(ModelBuilder& b) { weight(b, "words", {kVocabulary, kWidth}, 1); }

/// The plain model: ids [batch,3] index the table.
inline ModelBuilder twin() {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  b.node("Gather", {"words", "ids"}, {"rows"});
  classify(b, "rows");
  return b;
}

/// ids in columns 0 and 2 of x [batch,5], numbers elsewhere; or two inputs of ids and numbers.
inline ModelBuilder tabular(bool apart) {
  ModelBuilder b;
  constexpr int kInt = onnx::TensorProto::INT64;
  table(b);
  ints(b, "offsets", {2}, {0, 5});
  ints(b, "which", {2}, {0, 2});
  ints(b, "others", {3}, {1, 3, 4});
  if (apart) {
    b.input("ids", {-1, 2}, kInt).input("numbers", {-1, 3});
  } else {
    b.input("x", {-1, 5});
    set_int(b.node("Gather", {"x", "which"}, {"columns"}), "axis", 1);
    cast(b, "columns", "ids", kInt);
    set_int(b.node("Gather", {"x", "others"}, {"numbers"}), "axis", 1);
  }
  b.node("Add", {"ids", "offsets"}, {"index"});
  b.node("Gather", {"words", "index"}, {"rows"});
  b.node("Flatten", {"rows"}, {"flat_rows"});
  set_int(b.node("Concat", {"flat_rows", "numbers"}, {"features"}), "axis", 1);
  classify(b, "features", 2 * kWidth + 3);
  return b;
}

/// The maps of all methods over the inputs, by method and input.
inline std::map<std::string, Tensor> maps_of(const ModelBuilder& b, const std::vector<Tensor>& inputs,
                                             const std::vector<std::string>& methods = kMethods) {
  Session session(ModelFile(b).load(), kDouble);
  std::map<std::string, Tensor> maps;
  for (const Attribution& a :
       session.explain_many(inputs, {.methods = methods, .targets = {Target::index(1)}}).attributions) {
    INFO(a.method << " over " << a.input);
    CHECK(maps.emplace(a.method + " " + a.input, a.values).second);
  }
  return maps;
}

inline std::vector<Assumption> assumptions_of(const ModelBuilder& b, const std::vector<Tensor>& inputs) {
  Session session(ModelFile(b).load(), kDouble);
  return session.explain_many(inputs, {.methods = {"lrp_z"}, .targets = {Target::index(1)}}).assumptions;
}

inline const Assumption* about(const std::vector<Assumption>& all, const std::string& what) {
  const auto found = std::ranges::find(all, what, &Assumption::what);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace onnxray::test
