#include <numeric>

#include "methods/find_samples.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"
#include "tests/support/error_of.h"

// Samples on other axes than the first, and models without any.

namespace onnxray::test {
namespace {

using Values = std::vector<double>;
using Ints = std::vector<int64_t>;

Tensor transposed(const Tensor& t, const Ints& permutation) {
  const Shape& from = t.shape();
  const Strides strides = row_major_strides(from);
  Shape shape;
  for (const int64_t axis : permutation) shape.push_back(from[static_cast<size_t>(axis)]);
  Values values;
  Shape at(shape.size(), 0);
  for (int64_t i = 0; i < t.size(); ++i) {
    int64_t offset = 0;
    for (size_t k = 0; k < at.size(); ++k) offset += at[k] * strides[static_cast<size_t>(permutation[k])];
    values.push_back(t.as_double(offset));
    for (size_t k = at.size(); k-- > 0 && ++at[k] == shape[k];) at[k] = 0;
  }
  return Tensor::of<double>(shape, values);
}

constexpr int64_t kTime = 5, kFeatures = 4;

ValueId transpose(GraphBuilder& g, ValueId x, const Ints& permutation) {
  return g.node("Transpose", {x}, {{"perm", permutation}});
}

/// A net over series that has the time first, [T,B,F], or the batch, [B,T,F].
Graph net_of_series(const std::string& kind, bool time_first, int64_t batch) {
  GraphBuilder g;
  const ValueId x =
      g.input("x", time_first ? Shape{kTime, batch, kFeatures} : Shape{batch, kTime, kFeatures});
  const auto head = [&](ValueId v, int64_t in) {
    return g.dense(v, g.constant(hashed({in, 3}, 21)), g.constant(hashed({3}, 22)));
  };
  if (kind == "mlp") {
    const ValueId h = g.node("Tanh", {g.node("MatMul", {x, g.constant(hashed({kFeatures, 6}, 1))})});
    return g.build(
        {head(g.node("ReduceMean", {h}, {{"axes", Ints{time_first ? 0 : 1}}, {"keepdims", int64_t{0}}}), 6)});
  }
  if (kind == "conv") {
    const ValueId channels = transpose(g, x, time_first ? Ints{1, 2, 0} : Ints{0, 2, 1});
    const ValueId y = g.relu(
        g.node("Conv", {channels, g.constant(hashed({6, kFeatures, 3}, 2)), g.constant(hashed({6}, 3))},
               {{"pads", Ints{1, 1}}}));
    return g.build({head(g.node("ReduceMean", {y}, {{"axes", Ints{2}}, {"keepdims", int64_t{0}}}), 6)});
  }
  const ValueId series = time_first ? x : transpose(g, x, {1, 0, 2});
  const ValueId states =
      g.node("RNN", {series, g.constant(hashed({1, 6, kFeatures}, 4)), g.constant(hashed({1, 6, 6}, 5))},
             {{"hidden_size", int64_t{6}}});
  const ValueId all = g.node("Squeeze", {states, g.ints({1})});  // [T,B,H]
  if (kind == "last state")
    return g.build({head(g.node("Gather", {all, g.constant(Tensor::of<int64_t>({}, {kTime - 1}))}), 6)});
  const ValueId y = g.node("MatMul", {all, g.constant(hashed({6, 3}, 6))});
  return g.build({time_first ? y : transpose(g, y, {1, 0, 2})});
}

const std::vector<std::string> kMethods = {"gradient",
                                           "integrated_gradients_steps_5",
                                           "smoothgrad_samples_4",
                                           "smoothgrad:samples=4,noise=range",
                                           "smoothgrad_squared_samples_4",
                                           "vargrad_samples_4",
                                           "occlusion:window=2,stride=1",
                                           "random_uniform",
                                           "lrp_epsilon_0_25_std_x",
                                           "lrpsign_z",
                                           "deep_taylor"};

TEST_CASE("a net with the time first explains as its twin with the batch first") {
  for (const std::string kind : {"mlp", "conv", "last state", "sequence"}) {
    for (const int64_t batch : {1, 3}) {
      const Graph twin = net_of_series(kind, false, batch), net = net_of_series(kind, true, batch);
      const Tensor x = hashed({batch, kTime, kFeatures}, 7);
      const bool sequence = kind == "sequence";
      const TargetSpec target = batch == 1 ? target_index({2}) : target_index({2, 0, 1});
      std::vector<std::string> methods = kMethods;
      if (kind == "conv") methods.insert(methods.end(), {"grad_cam", "guided_grad_cam"});
      for (const std::string& method : methods) {
        INFO(kind << " " << batch << " " << method);
        const Results a = explain_results(twin, method, {x}, target),
                      b = explain_results(net, method, {transposed(x, {1, 0, 2})}, target);
        // Sums in another order.
        CHECK(difference(transposed(b.at("attribution:0:0:0"), {1, 0, 2}), a.at("attribution:0:0:0")) <
              1e-12);
        CHECK(difference(b.at("score:0"), a.at("score:0")) < 1e-14);
        CHECK(b.at("index:0").to_int64s() == a.at("index:0").to_int64s());
        if (sequence) CHECK(difference(transposed(b.at("logits"), {1, 0, 2}), a.at("logits")) < 1e-14);
        if (a.contains("gap:0:0")) {
          CHECK(a.at("gap:0:0").size() == batch);
          for (int64_t n = 0; n < batch; ++n)
            CHECK(b.at("gap:0:0").as_double(n) == Approx(a.at("gap:0:0").as_double(n)).margin(1e-13));
        }
      }
    }
  }
}

TEST_CASE("with the time first, the maps of a sample do not depend on its batch") {
  for (const std::string& method : kMethods) {
    const Tensor x = hashed({kTime, 3, kFeatures}, 7);
    const Tensor all = explain_results(net_of_series("last state", true, 3), method, {x}, target_index({1}))
                           .at("attribution:0:0:0");
    for (int64_t n = 0; n < 3; ++n) {
      INFO(method << ", sample " << n);
      const Tensor own = sample(transposed(x, {1, 0, 2}), n);
      const Tensor alone =
          explain(net_of_series("last state", true, 1), method, own.reshaped({kTime, 1, kFeatures}), 1);
      CHECK(difference(sample(transposed(all, {1, 0, 2}), n), transposed(alone, {1, 0, 2})) < 1e-12);
    }
  }
}

/// Two rounds of messages between five nodes, [5,4] -> [5,3]; or the same as the only graph of a batch.
Graph node_net(bool in_batch) {
  GraphBuilder g;
  const ValueId x = g.input("x", in_batch ? Shape{1, 5, 4} : Shape{5, 4});
  const auto round = [&](ValueId v, int64_t in, int64_t out, int64_t seed) {
    const ValueId mixed = g.node("MatMul", {g.constant(hashed({5, 5}, 31)), v});
    return g.node("MatMul", {mixed, g.constant(hashed({in, out}, seed))});
  };
  return g.build({round(g.node("Tanh", {round(x, 4, 6, 32)}), 6, 3, 33)});
}

TEST_CASE("a net over the nodes of a graph has one sample, and targets name a node and a class") {
  TargetSpec target = target_index({});
  target.tuple = {3, 1};
  const Tensor x = hashed({5, 4}, 8);
  for (const std::string method : {"gradient", "integrated_gradients_steps_5", "smoothgrad_samples_4",
                                   "vargrad_samples_4", "random_uniform", "lrp_epsilon_0_25_std_x"}) {
    INFO(method);
    const Results a = explain_results(node_net(true), method, {x.reshaped({1, 5, 4})}, target),
                  b = explain_results(node_net(false), method, {x}, target);
    CHECK(difference(b.at("attribution:0:0:0"), a.at("attribution:0:0:0").reshaped({5, 4})) < 1e-13);
    CHECK(b.at("score:0").size() == 1);
    CHECK(b.at("index:0").to_int64s() == Ints{10});
    if (a.contains("gap:0:0")) CHECK(b.at("gap:0:0").to_doubles() == a.at("gap:0:0").to_doubles());
  }
  const Results argmax = explain_results(node_net(false), "gradient", {x}, {});
  const Values y = argmax.at("logits").to_doubles();
  CHECK(argmax.at("index:0").to_int64s() == Ints{std::ranges::max_element(y) - y.begin()});
}

TEST_CASE("noise differs from node to node") {
  const Tensor map = explain(node_net(false), "random_uniform", hashed({5, 4}, 8), 0);
  for (int64_t node = 1; node < 5; ++node) CHECK(difference(sample(map, node), sample(map, 0)) > 0.1);
}

/// sum over rows r and columns j of relu(x W), kept as [1,3], or summed to one number.
Graph readout_net(bool scalar, int64_t rows) {
  GraphBuilder g;
  const ValueId h = g.relu(g.node("MatMul", {g.input("x", {rows, 4}), g.constant(hashed({4, 3}, 41))}));
  return g.build({g.node("ReduceSum", scalar ? std::vector{h} : std::vector{h, g.ints({0})},
                         {{"keepdims", int64_t{scalar ? 0 : 1}}})});
}

/// What the output loses without each entry of x, by running the net without it.
Values losses(const Graph& net, const Tensor& x, int64_t target) {
  const auto score = [&](const Values& values) {
    return explain_results(net, "gradient", {Tensor::of<double>(x.shape(), values)}, target_index({target}))
        .at("score:0")
        .as_double(0);
  };
  const Values whole = x.to_doubles();
  Values all;
  for (size_t i = 0; i < whole.size(); ++i) {
    Values without = whole;
    without[i] = 0;
    all.push_back(score(whole) - score(without));
  }
  return all;
}

TEST_CASE("occlusion of a set whose rows are summed takes single entries away") {
  const Tensor x = hashed({5, 4}, 9);
  for (const bool scalar : {false, true}) {
    const Graph net = readout_net(scalar, 5);
    const int64_t target = scalar ? 0 : 1;
    CHECK(difference(explain(net, "occlusion:window=1,stride=1", x, target), losses(net, x, target)) < 1e-13);
  }
}

/// A loop's methods on nets of one sample whose inputs have any shape: y = tanh(sum of everything times
/// weights).
Graph odd_inputs_net(const std::vector<Shape>& shapes, const Shape& output) {
  GraphBuilder g;
  ValueId total = kNoValue;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const ValueId x = g.input("x" + std::to_string(i), shapes[i]);
    const int64_t size = element_count(shapes[i]);
    const ValueId row = g.node("Reshape", {x, g.ints({1, size})});
    const ValueId part = g.node("MatMul", {row, g.constant(hashed({size, element_count(output)}, 50 + i))});
    total = i == 0 ? part : g.node("Add", {total, part});
  }
  return g.build({g.node("Reshape", {g.node("Tanh", {total}), g.ints(output)})});
}

TEST_CASE("inputs that differ on the first axis, vectors and scalars are of one sample") {
  const std::vector<std::vector<Shape>> all = {{{5, 4}, {2, 7}}, {{6}}, {{4}}, {{3, 4}, {}}, {{2, 3, 4}}};
  for (const std::vector<Shape>& shapes : all) {
    for (const Shape& output : {Shape{3}, Shape{}, Shape{1, 3}, Shape{3, 1}}) {
      const Graph net = odd_inputs_net(shapes, output);
      std::vector<Tensor> inputs;
      for (size_t i = 0; i < shapes.size(); ++i)
        inputs.push_back(hashed(shapes[i], 60 + static_cast<int64_t>(i), 0.4));
      const TargetSpec target = target_index({0});
      INFO(shapes.size() << " inputs, the first " << to_string(shapes[0]) << ", output "
                         << to_string(output));
      const Results ig =
          explain_results(net, "integrated_gradients:ig_quadrature=gauss_legendre,steps=12", inputs, target);
      double sum_of_maps = 0, score = ig.at("score:0").as_double(0);
      for (size_t i = 0; i < inputs.size(); ++i) {
        const Tensor map = ig.at("attribution:0:0:" + std::to_string(i));
        CHECK(map.shape() == shapes[i]);
        sum_of_maps += sum(map);
      }
      // The net is 0 at 0, and twelve points integrate tanh's slope to rounding.
      CHECK(sum_of_maps == Approx(score).epsilon(1e-10));
      REQUIRE(ig.at("gap:0:0").size() == 1);
      CHECK(std::fabs(ig.at("gap:0:0").as_double(0)) < 1e-10);
      for (const std::string method : {"smoothgrad_samples_3", "vargrad_samples_3", "random_uniform"}) {
        const Results results = explain_results(net, method, inputs, target);
        for (size_t i = 0; i < inputs.size(); ++i) {
          const Values map = results.at("attribution:0:0:" + std::to_string(i)).to_doubles();
          CHECK(std::ranges::any_of(map, [](double v) { return v != 0; }));
        }
      }
    }
  }
}

TEST_CASE("an input that all samples share gets what they send in sum, and one gap counts for all") {
  const auto net = [](int64_t batch) {
    GraphBuilder g;
    const ValueId x = g.input("x", {batch, 4}), scale = g.input("scale", {4});
    const ValueId h = g.node("Tanh", {g.node("Mul", {x, scale})});
    return g.build({g.dense(h, g.constant(hashed({4, 3}, 71)), g.constant(hashed({3}, 72)))});
  };
  const Tensor x = hashed({3, 4}, 73), scale = hashed({4}, 74);
  for (const std::string method :
       {"gradient", "integrated_gradients_steps_4", "occlusion:window=1,stride=1"}) {
    INFO(method);
    const Results all = explain_results(net(3), method, {x, scale}, target_index({1}));
    Tensor shared(DType::f64, {4});
    double gap = 0;
    for (int64_t n = 0; n < 3; ++n) {
      const Results one = explain_results(net(1), method, {sample(x, n), scale}, target_index({1}));
      CHECK(difference(sample(all.at("attribution:0:0:0"), n), one.at("attribution:0:0:0")) < 1e-13);
      shared = zip(shared, one.at("attribution:0:0:1"), std::plus());
      if (one.contains("gap:0:0")) gap += one.at("gap:0:0").as_double(0);
    }
    CHECK(difference(all.at("attribution:0:0:1"), shared) < 1e-13);
    if (all.contains("gap:0:0")) {
      REQUIRE(all.at("gap:0:0").size() == 1);
      CHECK(all.at("gap:0:0").as_double(0) == Approx(gap).margin(1e-13));
    }
  }
}

TEST_CASE("the deviation of a layer's input is of the sample, however its rows are laid out") {
  // [B,T,F] through MatMul, and its rows [B*T,F] through Gemm.
  const auto net = [](bool rows) {
    GraphBuilder g;
    const ValueId x = g.input("x", {2, 3, 4}), w = g.constant(hashed({4, 5}, 81));
    const ValueId h = rows ? g.node("Reshape", {g.node("Gemm", {g.node("Reshape", {x, g.ints({6, 4})}), w}),
                                                g.ints({2, 3, 5})})
                           : g.node("MatMul", {x, w});
    return g.build({g.node("ReduceSum", {g.node("Tanh", {h}), g.ints({1})}, {{"keepdims", int64_t{0}}})});
  };
  const Tensor x = hashed({2, 3, 4}, 82);
  CHECK(difference(explain(net(true), "lrp_epsilon_0_25_std_x", x, 1),
                   explain(net(false), "lrp_epsilon_0_25_std_x", x, 1)) < 1e-13);
}

// What is found.

struct Found {
  Samples samples;
  std::vector<Assumption> assumptions;
};

Found found_in(const Graph& graph, const GivenSamples& given = {}) {
  ExplainSpec spec = explain_spec("gradient");
  spec.given_samples = given;
  Findings findings;
  emit_explanation(graph, OpRegistry::builtin(), spec, {}, &findings);
  return {findings.samples, findings.assumptions};
}

TEST_CASE("what is assumed of samples is listed, and pointed out where it is not the first axis") {
  const Found leading = found_in(conv_net({.batch = 2}).graph);
  REQUIRE(leading.assumptions.size() == 1);
  CHECK(leading.assumptions[0].value == "axis 0");
  CHECK(leading.assumptions[0].is_obvious);
  const Found second = found_in(net_of_series("last state", true, 3));
  REQUIRE(second.assumptions.size() == 2);
  CHECK(second.assumptions[1].what == "samples of 'x'");
  CHECK(second.assumptions[1].value == "axis 1");
  CHECK(second.assumptions[1].option == "sample_axes");
  CHECK_FALSE(second.assumptions[1].is_obvious);
  const Found none = found_in(node_net(false));
  REQUIRE(none.assumptions.size() == 1);
  CHECK(none.assumptions[0].value == "none: all is one");
  CHECK(none.assumptions[0].why.find("samples meet in matmul") != std::string::npos);
  CHECK_FALSE(none.assumptions[0].is_obvious);
}

/// Frame by frame: [T,B,4] -> [T,B,3], whose axes of time and batch nothing tells apart.
Graph framewise_net() {
  GraphBuilder g;
  return g.build(
      {g.node("MatMul", {g.node("Tanh", {g.input("x", {5, 2, 4})}), g.constant(hashed({4, 3}, 91))})});
}

TEST_CASE("the caller says where samples lie") {
  const Graph net = framewise_net();
  const ValueId x = net.inputs[0].value, y = net.outputs[0];
  CHECK(found_in(net).samples.count == 5);
  CHECK(found_in(net, {{x, 1}}).samples.count == 2);
  CHECK(found_in(net, {{x, -2}}).samples.of(y) == SampleAxis{1});
  CHECK(found_in(net, {{y, 1}}).samples.of(x) == SampleAxis{1});
  CHECK(found_in(net, {{x, std::nullopt}}).samples.count == 1);
  CHECK(found_in(net, {{y, std::nullopt}}).samples.count == 1);
  for (const Assumption& a : found_in(net, {{x, 0}, {y, 0}}).assumptions) CHECK(a.is_obvious);
  CHECK(says(error_of([&] { found_in(net, {{x, 3}}); }), ErrorCode::usage, "has no axis 3"));
  CHECK(says(error_of([&] { found_in(net, {{x, 2}}); }), ErrorCode::usage, "cannot lie along its axis 2"));
  const Graph nodes = node_net(false);
  // Against what the program shows, on the caller's word.
  CHECK(found_in(nodes, {{nodes.inputs[0].value, 0}}).samples.count == 5);
}

TEST_CASE("a feature of extent 1 is no sample, though the result has one axis more in front") {
  // Univariate series [B,T,1] -> the last state of one direction [1,B,H].
  GraphBuilder g;
  const ValueId x = g.node("Transpose", {g.input("x", {3, 5, 1})}, {{"perm", Ints{1, 0, 2}}});
  const ValueId states =
      g.node("RNN", {x, g.constant(hashed({1, 6, 1}, 4)), g.constant(hashed({1, 6, 6}, 5))},
             {{"hidden_size", int64_t{6}}});
  const ValueId last = g.node("Gather", {states, g.constant(Tensor::of<int64_t>({}, {4}))});  // [1,3,6]
  const Graph net = g.build({last});
  const Found found = found_in(net);
  CHECK(found.samples.count == 3);
  CHECK(found.samples.of(net.outputs[0]) == SampleAxis{1});
}

TEST_CASE("where samples meet, an axis that is called the batch counts all the same") {
  const auto centred = [](const std::string& symbol) {
    GraphBuilder g;
    const ValueId x = g.input("x", {3, 4});
    const ValueId mean = g.node("ReduceMean", {x}, {{"axes", Ints{0}}});
    Graph graph = g.build(
        {g.dense(g.node("Sub", {x, mean}), g.constant(hashed({4, 2}, 1)), g.constant(hashed({2}, 2)))});
    graph.inputs[0].extents[0] = symbol;
    return found_in(graph);
  };
  const Found batch = centred("batch_size"), set = centred("points");
  CHECK(batch.samples.count == 3);
  CHECK_FALSE(batch.assumptions[0].is_obvious);
  CHECK(set.samples.count == 1);
}

TEST_CASE("rounding by the range of a whole batch does not make it one sample") {
  GraphBuilder g;
  const ValueId x = g.input("x", {3, 4});
  const ValueId low = g.node("ReduceMin", {x}, {{"keepdims", int64_t{0}}}),
                high = g.node("ReduceMax", {x}, {{"keepdims", int64_t{0}}});
  const ValueId step = g.node("Sub", {high, low});
  const ValueId rounded = g.node("Mul", {g.node("Round", {g.node("Div", {x, step})}), step});
  const Graph net = g.build({g.dense(rounded, g.constant(hashed({4, 2}, 1)), g.constant(hashed({2}, 2)))});
  CHECK(found_in(net).samples.count == 3);
}

}  // namespace
}  // namespace onnxray::test
