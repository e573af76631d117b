#include "tests/catch.h"
#include "tests/methods/conformance.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

using Values = std::vector<double>;

TEST_CASE("Grad-CAM at the last convolution of model C is the published map") {
  const Net c = model_c();
  // Published with six digits.
  CHECK(difference(explain(c.graph, "grad_cam:resize=false", c.x, 1), Values{1, 0, .575232, 0}) < 1e-6);
  CHECK(difference(explain(c.graph, "grad_cam:resize=false", c.x, 2), Values{1, .109084, .575232, .042648}) <
        1e-6);
}

TEST_CASE("a resized map has the input's extents, layout and one channel") {
  const Net c = model_c();
  const Tensor map = explain(c.graph, "grad_cam", c.x, 1);
  CHECK(map.shape() == Shape{1, 4, 4, 1});
  const double m = .575232;  // of (1, 0; m, 0), half-pixel bilinear: 1, 3/4, 1/4, 0 of the way, edges clamped
  Values wanted;
  for (const double y : {1.0, .75, .25, 0.0}) {
    for (const double x : {1.0, .75, .25, 0.0}) wanted.push_back(x * (y + (1 - y) * m));
  }
  CHECK(difference(map, wanted) < 1e-6);
  CHECK(explain(conv_net().graph, "grad_cam", conv_net().x, 1).shape() == Shape{1, 1, 6, 6});
}

/// A convolution of one weight over a series, then the given weight for every place.
Graph series_net(double kernel, double weight) {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 1, 3});
  const ValueId a = g.node("Conv", {x, g.constant({1, 1, 1}, {kernel})},
                           {{"kernel_shape", std::vector<int64_t>{1}}}, "features");
  return g.build(
      {g.node("ReduceSum", {g.node("Mul", {g.relu(a), g.constant({1, 1, 1}, {weight})}), g.ints({2})})});
}

TEST_CASE("the map of a series is stretched end on end") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 1, 5});
  const ValueId a = g.node("Conv", {x, g.constant({1, 1, 1}, {1})},
                           {{"kernel_shape", std::vector<int64_t>{1}}, {"strides", std::vector<int64_t>{2}}});
  const Graph graph = g.build({g.node("ReduceSum", {g.relu(a), g.ints({2})})});
  const Tensor map = explain(graph, "grad_cam_timeseries", Tensor::of<double>({1, 1, 5}, {0, 7, 3, 7, 0}), 0);
  CHECK(map.shape() == Shape{1, 1, 5});
  CHECK(difference(map, Values{0, .5, 1, .5, 0}) < 1e-15);
}

TEST_CASE("a map without a positive entry is zero") {
  CHECK(explain(series_net(1, -2), "grad_cam", Tensor::of<double>({1, 1, 3}, {1, 2, 3}), 0).to_doubles() ==
        Values{0, 0, 0});
  CHECK(explain(series_net(1, 2), "grad_cam", Tensor::of<double>({1, 1, 3}, {-1, -2, -3}), 0).to_doubles() ==
        Values{0, 0, 0});
}

TEST_CASE("the layer may be named, and taken before its activation") {
  const Graph graph = series_net(-1, 2);
  const Tensor x = Tensor::of<double>({1, 1, 3}, {-1, 2, -4});
  CHECK(explain(graph, "grad_cam:layer=features", x, 0).to_doubles() == Values{.25, 0, 1});
  // Before: w = mean of (2, 0, 2), A = (1, -2, 4).
  CHECK(explain(graph, "grad_cam:layer=features,activation=before", x, 0).to_doubles() == Values{.25, 0, 1});
  CHECK(says(error_of([&] { explain(graph, "grad_cam:layer=none", x, 0); }), ErrorCode::usage, "none"));
  const Net d = model_d();
  CHECK(says(error_of([&] { explain(d.graph, "grad_cam", d.x, 0); }), ErrorCode::unsupported,
             "no convolution"));
}

TEST_CASE("every sample of a batch has its own weights and maximum") {
  const Net net = conv_net({.batch = 3}), one = conv_net();
  for (const std::string method : {"grad_cam", "guided_grad_cam"}) {
    const Tensor all = explain_results(net.graph, method, {net.x}, target_index({1})).at("attribution:0:0:0");
    for (int64_t n = 0; n < 3; ++n)
      CHECK(difference(sample(all, n), explain(one.graph, method, sample(net.x, n), 1)) == 0);
  }
}

TEST_CASE("guided Grad-CAM is the map times guided backprop started with 1") {
  const Net net = conv_net();
  const Values cam = explain(net.graph, "grad_cam", net.x, 1).to_doubles();
  const Values guided = explain_under("zennit", net.graph, "guided_backprop", net.x, 1).to_doubles();
  Values wanted;
  for (size_t i = 0; i < guided.size(); ++i) wanted.push_back(cam[i % 36] * guided[i]);
  CHECK(difference(explain(net.graph, "guided_grad_cam", net.x, 1), wanted) < 1e-14);
}

}  // namespace
}  // namespace onnxray::test
