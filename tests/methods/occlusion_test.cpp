#include "methods/spatial.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

using Values = std::vector<double>;

Graph linear_net(const Shape& shape, const Values& weights) {
  GraphBuilder g;
  const ValueId x = g.input("x", shape);
  std::vector<int64_t> axes;
  for (size_t i = 1; i < shape.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  Shape one = shape;
  one[0] = 1;
  return g.build({g.node("ReduceSum", {g.node("Mul", {x, g.constant(one, weights)}), g.ints(axes)},
                         {{"keepdims", int64_t{0}}})});
}

TEST_CASE("occluding single places of a linear model gives x times the weight") {
  const Values w = hashed_values(12, 3);
  const Graph net = linear_net({1, 1, 3, 4}, w);
  const Tensor x = hashed({1, 1, 3, 4}, 4);
  // Differences of two sums of twelve terms.
  CHECK(difference(explain(net, "occlusion:window=1,stride=1", x, 0),
                   explain(net, "gradient_x_input", x, 0)) < 1e-13);
}

TEST_CASE("windows share their drop, do not wrap, and their coverage divides") {
  const Graph net = linear_net({1, 5}, {1, 2, 3, 4, 5});
  const Tensor ones = Tensor::filled(DType::f64, {1, 5}, 1);
  // [0,2) drops 3, [2,4) drops 7, the last one [3,5) drops 9; place 3 is covered twice.
  CHECK(difference(explain(net, "occlusion:window=2,stride=2", ones, 0), Values{1.5, 1.5, 3.5, 4, 4.5}) <
        1e-14);
  CHECK(explain(net, "occlusion:window=2,stride=2,baseline=1", ones, 0).to_doubles() == Values(5, 0));
  CHECK(difference(explain(net, "occlusion:window=9", ones, 0), Values(5, 3)) < 1e-14);
}

TEST_CASE("all channels of a place are occluded together") {
  const Graph net = linear_net({1, 2, 1, 2}, {1, 10, 3, 20});
  const Tensor ones = Tensor::filled(DType::f64, {1, 2, 1, 2}, 1);
  CHECK(explain(net, "occlusion:window=1,stride=1", ones, 0).to_doubles() == Values{2, 15, 2, 15});
  const Net c = model_c();
  CHECK(spatial_axes(c.graph, c.graph.inputs[0].value, 0).channels_last);
  const Values map = explain(c.graph, "occlusion:window=1,stride=1", c.x, 1).to_doubles();
  for (size_t i = 0; i < map.size(); i += 2) CHECK(map[i] == map[i + 1]);
}

TEST_CASE("occlusion treats each sample of a batch alone") {
  const Net net = conv_net({.batch = 3}), one = conv_net();
  const Tensor all = explain_results(net.graph, "occlusion:window=2,stride=1", {net.x}, target_index({1}))
                         .at("attribution:0:0:0");
  for (int64_t n = 0; n < 3; ++n) {
    CHECK(difference(sample(all, n),
                     explain(one.graph, "occlusion:window=2,stride=1", sample(net.x, n), 1)) == 0);
  }
  CHECK(says(error_of([&] { explain(one.graph, "occlusion:window=0", one.x, 1); }), ErrorCode::usage,
             "window"));
}

TEST_CASE("random_uniform is in (-1, 1), follows its seed and is the same for every sample") {
  const Net net = conv_net({.batch = 2});
  const Tensor map =
      explain_results(net.graph, "random_uniform", {net.x}, target_index({1})).at("attribution:0:0:0");
  CHECK(difference(sample(map, 0), sample(map, 1)) == 0);
  const Values values = map.to_doubles();
  CHECK(*std::ranges::max_element(values) < 1);
  CHECK(*std::ranges::min_element(values) > -1);
  CHECK(*std::ranges::max_element(values) - *std::ranges::min_element(values) > 1.5);
  CHECK(difference(explain_results(net.graph, "random_uniform:seed=1", {net.x}, target_index({1}))
                       .at("attribution:0:0:0"),
                   map) > 0);
}

}  // namespace
}  // namespace onnxray::test
