#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {
namespace {

using Doubles = std::vector<double>;
using Ints = std::vector<int64_t>;

OneNode ml(const std::string& op, int64_t version = 3) { return OneNode(op, version, "ai.onnx.ml"); }

TEST_CASE("a scaler takes an offset away and multiplies, by feature or all alike") {
  CHECK(ml("Scaler")
            .attr("offset", Doubles{1, 2})
            .attr("scale", Doubles{2, 0.5})
            .input({1, 2}, {3, 4})
            .run()
            .to_doubles() == Doubles{4, 1});
  CHECK(ml("Scaler")
            .attr("offset", Doubles{1})
            .attr("scale", Doubles{2})
            .input({1, 2}, {3, 4})
            .run()
            .to_doubles() == Doubles{4, 6});
}

TEST_CASE("a linear regressor is x W^T + b") {
  const Tensor y = ml("LinearRegressor")
                       .attr("coefficients", Doubles{1, 2, 3, 4})
                       .attr("intercepts", Doubles{0.5, -0.5})
                       .attr("targets", int64_t{2})
                       .input({1, 2}, {1, 1})
                       .run();
  CHECK(y.to_doubles() == Doubles{3.5, 6.5});
}

OneNode classifier(const Doubles& coefficients, const Doubles& intercepts, const std::string& transform) {
  return ml("LinearClassifier")
      .attr("coefficients", coefficients)
      .attr("intercepts", intercepts)
      .attr("classlabels_ints", Ints{7, 9})
      .attr("post_transform", transform)
      .outputs(2);
}

TEST_CASE("a linear classifier answers with its label and the scores of all classes") {
  auto node = classifier({1, 0, 0, 1}, {0, 1}, "SOFTMAX").input({1, 2}, {2, 0.5});
  const std::vector<Tensor> y = node.run_all();
  CHECK(y[0].to_int64s() == Ints{7});
  const double p = 1 / (1 + std::exp(1.5 - 2));
  CHECK(y[1].as_double(0) == Approx(p).epsilon(1e-12));
  CHECK(y[1].as_double(1) == Approx(1 - p).epsilon(1e-12));
}

TEST_CASE("one score of two classes is the second's; under LOGISTIC each class has its own") {
  const std::vector<Tensor> plain =
      classifier({1, 1}, {-1}, "NONE").input({2, 2}, {1, 0.75, 0, 0.5}).run_all();
  CHECK(plain[0].to_int64s() == Ints{9, 7});
  CHECK(plain[1].to_doubles() == Doubles{0.25, 0.75, 1.5, -0.5});
  const std::vector<Tensor> squashed =
      classifier({1, 1}, {-1}, "LOGISTIC").input({1, 2}, {1, 0.75}).run_all();
  const double p = 1 / (1 + std::exp(-0.75));
  CHECK(squashed[1].as_double(1) == Approx(p).epsilon(1e-12));
  CHECK(squashed[1].as_double(0) == Approx(1 - p).epsilon(1e-12));
}

TEST_CASE("a normaliser divides each row by its largest entry or its norm, and leaves zeros alone") {
  const auto normalised = [](const std::string& norm) {
    return ml("Normalizer").attr("norm", norm).input({2, 2}, {3, -4, 0, 0}).run().to_doubles();
  };
  CHECK(normalised("L1") == Doubles{3.0 / 7, -4.0 / 7, 0, 0});
  CHECK(normalised("L2") == Doubles{0.6, -0.8, 0, 0});
  CHECK(normalised("MAX") == Doubles{1, -4.0 / 3, 0, 0});
}

TEST_CASE("categories become one-hot rows; an unknown one has none") {
  const Tensor y = ml("OneHotEncoder").attr("cats_int64s", Ints{2, 5}).input({3}, {5, 2, 4}).run();
  CHECK(y.shape() == Shape{3, 2});
  CHECK(y.to_doubles() == Doubles{0, 1, 1, 0, 0, 0});
}

TEST_CASE("missing values are imputed by column") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor y = ml("Imputer")
                       .attr("imputed_value_floats", Doubles{7, 8})
                       .attr("replaced_value_float", nan)
                       .input({2, 2}, {nan, 1, 2, nan})
                       .run();
  CHECK(y.to_doubles() == Doubles{7, 1, 2, 8});
}

TEST_CASE("labels are looked up; what is no key gets the default") {
  const Tensor y = ml("LabelEncoder", 2)
                       .attr("keys_int64s", Ints{3, 5})
                       .attr("values_floats", Doubles{0.25, 0.5})
                       .attr("default_float", -1.0)
                       .input(Tensor::of<int64_t>({3}, {5, 3, 4}))
                       .run();
  CHECK(y.to_doubles() == Doubles{0.5, 0.25, -1});
}

}  // namespace
}  // namespace onnxray
