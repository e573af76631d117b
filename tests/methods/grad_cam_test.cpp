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

using Ints = std::vector<int64_t>;

/// A convolution of 4 filters with padding, and its Relu.
ValueId conv_relu(GraphBuilder& g, ValueId x, int64_t channels, int64_t seed) {
  return g.relu(g.conv(x, g.constant(hashed({4, channels, 3, 3}, seed)), g.constant(hashed({4}, seed + 50))));
}

/// GlobalAveragePool - Flatten - Gemm.
ValueId head(GraphBuilder& g, ValueId v, int64_t channels) {
  const ValueId pooled = g.flatten(g.node("GlobalAveragePool", {v}));
  return g.dense(pooled, g.constant(hashed({channels, 3}, 90)), g.constant(hashed({3}, 91)));
}

/// What the session would list about the layer of grad_cam.
Assumption assumed_layer(const Graph& graph) {
  Findings findings;
  emit_explanation(graph, OpRegistry::builtin(), explain_spec("grad_cam"), {}, &findings);
  const std::vector<Assumption>& assumptions = findings.assumptions;
  const auto layer = std::ranges::find(assumptions, std::string("layer of grad_cam"), &Assumption::what);
  REQUIRE(layer != assumptions.end());
  return *layer;
}

void check_layer(const Graph& graph, const std::string& name, bool is_obvious,
                 const Shape& input = {1, 3, 6, 6}) {
  const Assumption layer = assumed_layer(graph);
  CHECK(layer.value.find("'" + name + "'") == 0);
  CHECK(layer.is_obvious == is_obvious);
  CHECK(layer.option == "layer");
  const Tensor x = hashed(input, 7);
  CHECK(difference(explain(graph, "grad_cam", x, 1), explain(graph, "grad_cam:layer=" + name, x, 1)) == 0);
}

TEST_CASE("the layer is the last convolution's activation where that is the last with several places") {
  GraphBuilder g;
  const ValueId first = conv_relu(g, g.input("x", {1, 3, 6, 6}), 3, 1);
  const ValueId last = g.node(
      "Relu", {g.conv(first, g.constant(hashed({4, 4, 3, 3}, 2)), g.constant(hashed({4}, 3)))}, {}, "last");
  SECTION("plainly") { check_layer(g.build({head(g, last, 4)}), "last", true); }
  SECTION("with convolutions of one place behind the pool") {
    const ValueId pooled = g.node("GlobalAveragePool", {last});
    const ValueId hidden = g.node(
        "HardSwish", {g.conv(pooled, g.constant(hashed({8, 4, 1, 1}, 4)), g.constant(hashed({8}, 5)), 0)});
    check_layer(
        g.build({g.dense(g.flatten(hidden), g.constant(hashed({8, 3}, 6)), g.constant(hashed({3}, 8)))}),
        "last", false);
  }
  SECTION("with a gate of squeeze and excitation") {
    const ValueId gate = g.conv(g.node("GlobalAveragePool", {last}), g.constant(hashed({4, 4, 1, 1}, 4)),
                                g.constant(hashed({4}, 5)), 0);
    const ValueId scaled = g.node("Mul", {last, g.node("Sigmoid", {gate})}, {}, "scaled");
    check_layer(g.build({head(g, scaled, 4)}), "scaled", false);
  }
  SECTION("not on a branch to another output") {
    const ValueId logits = head(g, last, 4);
    const ValueId mask = g.conv(last, g.constant(hashed({2, 4, 3, 3}, 9)), g.constant(hashed({2}, 10)));
    check_layer(g.build({logits, mask}), "last", false);
  }
  SECTION("before the convolution whose results are explained themselves") {
    const ValueId mask = g.conv(last, g.constant(hashed({3, 4, 1, 1}, 9)), g.constant(hashed({3}, 10)), 0);
    check_layer(g.build({g.flatten(mask)}), "last", false);
  }
}

TEST_CASE("the layer is what a net ends in: a concatenation, a normalised sum, a sum alone") {
  GraphBuilder g;
  const ValueId trunk = conv_relu(g, g.input("x", {1, 3, 6, 6}), 3, 1);
  const ValueId left = conv_relu(g, trunk, 4, 2), right = conv_relu(g, trunk, 4, 3);
  SECTION("Concat") {
    const ValueId both = g.node("Concat", {left, right}, {{"axis", int64_t{1}}}, "both");
    check_layer(g.build({head(g, both, 8)}), "both", false);
  }
  SECTION("Concat, BatchNormalization, Relu") {
    const ValueId both = g.node("Concat", {left, right}, {{"axis", int64_t{1}}});
    const auto c = [&](int64_t seed) { return g.constant(hashed({8}, seed)); };
    const ValueId norm =
        g.node("BatchNormalization", {both, c(1), c(2), c(3), g.constant({8}, {1, 2, 1, 2, 1, 2, 1, 2})});
    check_layer(g.build({head(g, g.node("Relu", {norm}, {}, "last"), 8)}), "last", false);
  }
  SECTION("Add") {
    check_layer(g.build({head(g, g.node("Add", {left, trunk}, {}, "sum"), 4)}), "sum", false);
  }
  SECTION("group normalisation, which gives the grid another shape for a while") {
    const ValueId groups = g.node("Reshape", {left, g.ints({1, 2, -1})});
    const ValueId even =
        g.node("InstanceNormalization", {groups, g.constant({2}, {1, 1}), g.constant({2}, {0, 0})});
    const ValueId back = g.node("Reshape", {even, g.ints({1, 4, 6, 6})});
    check_layer(g.build({head(g, g.node("Relu", {back}, {}, "last"), 4)}), "last", false);
  }
}

TEST_CASE("a layer of one place is taken only where there is no other, and is said to be one") {
  GraphBuilder g;
  const ValueId a =
      g.node("Conv", {g.input("x", {1, 3, 1, 1}), g.constant(hashed({4, 3, 1, 1}, 1))}, {}, "only");
  const Graph graph =
      g.build({g.dense(g.flatten(g.relu(a)), g.constant(hashed({4, 3}, 2)), g.constant(hashed({3}, 3)))});
  CHECK(assumed_layer(graph).why.find("the same everywhere") != std::string::npos);
}

/// The map of conv_relu twice and a head over `shape`, whose input `write` turns into [N, 3, 6, 6].
Tensor map_over(const Shape& shape, const std::function<ValueId(GraphBuilder&, ValueId)>& write,
                const Tensor& x) {
  GraphBuilder g;
  const ValueId v = conv_relu(g, write(g, g.input("x", shape)), 3, 1);
  return explain(g.build({head(g, conv_relu(g, v, 4, 2), 4)}), "grad_cam", x, 1);
}

TEST_CASE("a map lies as the input does, however the model moves it first") {
  const Tensor x = hashed({1, 3, 6, 6}, 7);
  const Tensor map = map_over(
      {1, 3, 6, 6}, [](GraphBuilder&, ValueId v) { return v; }, x);
  REQUIRE(map.shape() == Shape{1, 1, 6, 6});
  std::vector<double> last(108);  // x in NHWC
  for (size_t c = 0; c < 3; ++c) {
    for (size_t p = 0; p < 36; ++p) last[p * 3 + c] = x.as_double(static_cast<int64_t>(c * 36 + p));
  }
  const auto to_first = [](GraphBuilder& g, ValueId v) {
    return g.node("Transpose", {v}, {{"perm", Ints{0, 3, 1, 2}}});
  };
  const auto same = [&](const Tensor& found, const Shape& shape) {
    CHECK(found.shape() == shape);
    CHECK(difference(found.reshaped({1, 1, 6, 6}), map) < 1e-12);
  };
  same(map_over({1, 6, 6, 3}, to_first, Tensor::of<double>({1, 6, 6, 3}, last)), {1, 6, 6, 1});
  same(map_over(
           {1, 6, 6, 3},
           [&](GraphBuilder& g, ValueId v) {
             // Means and deviations, then channels reversed and back, then NCHW.
             v = g.node("Div", {g.node("Sub", {v, g.constant({3}, {1, 2, 3})}), g.constant({3}, {2, 2, 2})});
             v = g.node("Gather",
                        {g.node("Gather", {v, g.ints({2, 1, 0})}, {{"axis", int64_t{3}}}), g.ints({2, 1, 0})},
                        {{"axis", int64_t{3}}});
             v = g.node("Add", {g.node("Mul", {v, g.constant({}, {2})}), g.constant({3}, {1, 2, 3})});
             return to_first(g, v);
           },
           Tensor::of<double>({1, 6, 6, 3}, last)),
       {1, 6, 6, 1});
  same(map_over(
           {6, 6, 3},
           [&](GraphBuilder& g, ValueId v) {
             return to_first(g, g.node("Reshape", {v, g.ints({1, 6, 6, 3})}));
           },
           Tensor::of<double>({6, 6, 3}, last)),
       {6, 6, 1});
  same(map_over(
           {1, 1, 3, 6, 6},
           [&](GraphBuilder& g, ValueId v) {
             return g.node("Reshape", {v, g.ints({1, 3, 6, 6})});
           },
           x.reshaped({1, 1, 3, 6, 6})),
       {1, 1, 1, 6, 6});
}

TEST_CASE("a map over an input that is cut into blocks first has the input's extents") {
  // Space to depth, as a model writes it out: [1, 3, 12, 12] to [1, 12, 6, 6], then one channel of each
  // three.
  GraphBuilder g;
  ValueId v = g.node("Reshape", {g.input("x", {1, 3, 12, 12}), g.ints({1, 3, 6, 2, 6, 2})});
  v = g.node("Transpose", {v}, {{"perm", Ints{0, 3, 5, 1, 2, 4}}});
  v = g.node("Reshape", {v, g.ints({1, 12, 6, 6})});
  v = g.relu(g.conv(v, g.constant(hashed({4, 12, 3, 3}, 1)), g.constant(hashed({4}, 2))));
  const Graph graph = g.build({head(g, v, 4)});
  CHECK(explain(graph, "grad_cam", hashed({1, 3, 12, 12}, 3), 1).shape() == Shape{1, 1, 12, 12});
}

TEST_CASE("a map over frames that go through the net one by one has one place for each") {
  GraphBuilder g;
  const ValueId frames = g.node("Reshape", {g.input("x", {2, 5, 3, 6, 6}), g.ints({10, 3, 6, 6})});
  const ValueId features = g.node("GlobalAveragePool", {conv_relu(g, frames, 3, 1)});
  const ValueId film = g.node("ReduceMean", {g.node("Reshape", {features, g.ints({2, 5, 4})})},
                              {{"axes", Ints{1}}, {"keepdims", int64_t{0}}});
  const Graph graph = g.build({g.dense(film, g.constant(hashed({4, 3}, 2)), g.constant(hashed({3}, 3)))});
  const Tensor map = explain_results(graph, "grad_cam", {hashed({2, 5, 3, 6, 6}, 4)}, target_index({0}))
                         .at("attribution:0:0:0");
  CHECK(map.shape() == Shape{2, 5, 1, 6, 6});
  for (int64_t n = 0; n < 2; ++n) {
    const auto values = sample(map, n).to_doubles();
    CHECK(*std::ranges::max_element(values) == 1);
  }
}

TEST_CASE("a map over a series without a channel axis lies on the series") {
  GraphBuilder g;
  const ValueId v = g.node("Unsqueeze", {g.input("x", {2, 5}), g.ints({1})});
  const ValueId a =
      g.node("Conv", {v, g.constant({1, 1, 1}, {1})}, {{"kernel_shape", Ints{1}}, {"strides", Ints{2}}});
  const Graph graph = g.build({g.node("ReduceSum", {g.relu(a), g.ints({2})})});
  const Tensor map =
      explain_results(graph, "grad_cam", {Tensor::of<double>({2, 5}, {0, 7, 3, 7, 0, 2, 7, 4, 7, 0})},
                      target_index({0}))
          .at("attribution:0:0:0");
  CHECK(map.shape() == Shape{2, 5});
  CHECK(difference(map, Values{0, .5, 1, .5, 0, .5, .75, 1, .5, 0}) < 1e-15);
}

TEST_CASE("the weights of a volume's map are means over its three axes") {
  const Shape volume{1, 1, 2, 2, 2}, features{1, 2, 2, 2, 2};
  const Tensor x = hashed(volume, 1), slopes = hashed(features, 2);
  GraphBuilder g;
  const ValueId a = g.node("Conv", {g.input("x", volume), g.constant({2, 1, 1, 1, 1}, {1, -2})},
                           {{"kernel_shape", Ints{1, 1, 1}}});
  const Graph graph =
      g.build({g.node("Gemm", {g.node("Flatten", {a}), g.constant(slopes.reshaped({16, 1}))})});
  // A = (x, -2 x), whose slopes are the weights.
  double weight = 0;
  for (int64_t i = 0; i < 8; ++i) weight += (slopes.as_double(i) - 2 * slopes.as_double(8 + i)) / 8;
  Values wanted;
  for (int64_t i = 0; i < 8; ++i) wanted.push_back(std::max(weight * x.as_double(i), 0.0));
  const double largest = *std::ranges::max_element(wanted);
  REQUIRE(largest > 0);
  for (double& v : wanted) v /= largest;
  const Tensor map = explain(graph, "grad_cam", x, 0);
  CHECK(map.shape() == volume);
  CHECK(difference(map, wanted) < 1e-14);
}

}  // namespace
}  // namespace onnxray::test
