#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {
namespace {

TEST_CASE("the likelihood loss takes the label's score, its weight, and leaves ignored labels out") {
  const auto loss = [](const std::string& reduction) {
    return OneNode("NegativeLogLikelihoodLoss", 13)
        .attr("reduction", reduction)
        .attr("ignore_index", int64_t{-1})
        .input({3, 2}, {-1, -2, -3, -4, -5, -6})
        .constant({1, -1, 0})
        .input({2}, {0.5, 2})
        .run();
  };
  const Tensor each = loss("none");
  CHECK(each.as_double(0) == Approx(4));
  CHECK(each.as_double(1) == 0);
  CHECK(each.as_double(2) == Approx(2.5));
  CHECK(loss("sum").as_double(0) == Approx(6.5));
  CHECK(loss("mean").as_double(0) == Approx(6.5 / 2.5));
}

TEST_CASE("the cross entropy is the likelihood loss of the logarithm of the softmax") {
  const auto both = OneNode("SoftmaxCrossEntropyLoss", 13)
                        .input({1, 2}, {0, std::log(3)})
                        .constant({1})
                        .outputs(2)
                        .run_all();
  CHECK(both[0].as_double(0) == Approx(-std::log(0.75)));
  CHECK(both[1].as_double(0) == Approx(std::log(0.25)));
}

TEST_CASE("labels that do not fit the scores are refused") {
  CHECK_THAT(OneNode("NegativeLogLikelihoodLoss", 13).input({2, 3}, {1, 2, 3, 4, 5, 6}).constant({1}).error(),
             Catch::Contains("labels [1] for scores [2,3]"));
}

}  // namespace
}  // namespace onnxray
