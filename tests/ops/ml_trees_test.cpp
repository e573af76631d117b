#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {
namespace {

using Doubles = std::vector<double>;
using Ints = std::vector<int64_t>;
using Texts = std::vector<std::string>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Two trees over two features: x0 <= 1 ? (x1 `mode` 3 ? 10 : 20) : 30, and a leaf 100 alone.
OneNode regressor(const std::string& mode) {
  return OneNode("TreeEnsembleRegressor", 3, "ai.onnx.ml")
      .attr("n_targets", int64_t{1})
      .attr("nodes_treeids", Ints{0, 0, 0, 0, 0, 1})
      .attr("nodes_nodeids", Ints{0, 1, 2, 3, 4, 0})
      .attr("nodes_featureids", Ints{0, 1, 0, 0, 0, 0})
      .attr("nodes_values", Doubles{1, 3, 0, 0, 0, 0})
      .attr("nodes_modes", Texts{"BRANCH_LEQ", mode, "LEAF", "LEAF", "LEAF", "LEAF"})
      .attr("nodes_truenodeids", Ints{1, 2, 0, 0, 0, 0})
      .attr("nodes_falsenodeids", Ints{4, 3, 0, 0, 0, 0})
      .attr("target_treeids", Ints{0, 0, 0, 1})
      .attr("target_nodeids", Ints{2, 3, 4, 0})
      .attr("target_ids", Ints{0, 0, 0, 0})
      .attr("target_weights", Doubles{10, 20, 30, 100});
}

Doubles leaves(const std::string& mode) {
  return regressor(mode).input({5, 2}, {1, 2, 1, 3, 1, 4, 2, 2, 0, kNaN}).run().to_doubles();
}

TEST_CASE("each sample falls through every tree, and its leaves are added up") {
  CHECK(leaves("BRANCH_LEQ") == Doubles{110, 110, 120, 130, 120});
  CHECK(leaves("BRANCH_LT") == Doubles{110, 120, 120, 130, 120});
  CHECK(leaves("BRANCH_GTE") == Doubles{120, 110, 110, 130, 120});
  CHECK(leaves("BRANCH_GT") == Doubles{120, 120, 110, 130, 120});
  CHECK(leaves("BRANCH_EQ") == Doubles{120, 110, 120, 130, 120});
  CHECK(leaves("BRANCH_NEQ") == Doubles{110, 120, 110, 130, 110});
}

TEST_CASE("a missing value goes where the tree sends it") {
  auto node = regressor("BRANCH_LEQ").attr("nodes_missing_value_tracks_true", Ints{1, 0, 0, 0, 0, 0});
  CHECK(node.input({2, 2}, {kNaN, 2, kNaN, kNaN}).run().to_doubles() == Doubles{110, 120});
}

TEST_CASE("a regressor averages its trees and adds a base where it is told to") {
  auto node = regressor("BRANCH_LEQ")
                  .attr("aggregate_function", std::string("AVERAGE"))
                  .attr("base_values", Doubles{0.5});
  CHECK(node.input({1, 2}, {2, 2}).run().to_doubles() == Doubles{65.5});
}

/// x0 <= 0 ? a : b, for class 0 alone.
OneNode binary(double a, double b, const std::string& transform) {
  return OneNode("TreeEnsembleClassifier", 3, "ai.onnx.ml")
      .attr("classlabels_int64s", Ints{4, 5})
      .attr("nodes_treeids", Ints{0, 0, 0})
      .attr("nodes_nodeids", Ints{0, 1, 2})
      .attr("nodes_featureids", Ints{0, 0, 0})
      .attr("nodes_values", Doubles{0, 0, 0})
      .attr("nodes_modes", Texts{"BRANCH_LEQ", "LEAF", "LEAF"})
      .attr("nodes_truenodeids", Ints{1, 0, 0})
      .attr("nodes_falsenodeids", Ints{2, 0, 0})
      .attr("class_treeids", Ints{0, 0})
      .attr("class_nodeids", Ints{1, 2})
      .attr("class_ids", Ints{0, 0})
      .attr("class_weights", Doubles{a, b})
      .attr("post_transform", transform)
      .outputs(2)
      .input({2, 1}, {-1, 1});
}

TEST_CASE("two classes with one score: probabilities around 1/2, other scores around 0") {
  const std::vector<Tensor> p = binary(0.25, 0.75, "NONE").run_all();
  CHECK(p[0].to_int64s() == Ints{4, 5});
  CHECK(p[1].to_doubles() == Doubles{0.75, 0.25, 0.25, 0.75});
  const std::vector<Tensor> s = binary(-1, 2, "LOGISTIC").run_all();
  CHECK(s[0].to_int64s() == Ints{4, 5});
  CHECK(s[1].as_double(3) == Approx(1 / (1 + std::exp(-2.0))).epsilon(1e-12));
  CHECK(s[1].as_double(2) == Approx(1 / (1 + std::exp(2.0))).epsilon(1e-12));
}

TEST_CASE("branches that go in a circle, and tests of features that are not there, are errors") {
  auto circle = regressor("BRANCH_LEQ");
  circle.attr("nodes_truenodeids", Ints{1, 0, 0, 0, 0, 0});
  CHECK(circle.input({1, 2}, {0, 0}).error().find("circle") != std::string::npos);
  CHECK(regressor("BRANCH_LEQ").input({1, 1}, {0}).error().find("outside the 1") != std::string::npos);
}

}  // namespace
}  // namespace onnxray
