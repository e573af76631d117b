#include "backward/reverse.h"

#include <algorithm>
#include <cmath>

#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

const Shape kRow{1, 4};
const Tensor kX = Tensor::of<double>(kRow, {0.5, -1, 2, 3});

/// The gradient of the sum of the graph's first output.
std::vector<Tensor> gradients(const Graph& graph, const std::vector<Tensor>& inputs) {
  Tensor ones = Tensor::filled(DType::f64, *graph[graph.outputs[0]].shape, 1);
  const Results results = explain_results(graph, "gradient", inputs, target_mask(ones));
  std::vector<Tensor> all;
  for (size_t i = 0; i < inputs.size(); ++i)
    all.push_back(results.at("attribution:0:0:" + std::to_string(i)));
  return all;
}

TEST_CASE("the gradients of a value's readers add up") {
  GraphBuilder g;
  const ValueId x = g.input("x", kRow);
  const ValueId a = g.node("Mul", {x, g.constant(kRow, {1, 2, 3, 4})}), b = g.node("Exp", {x}),
                c = g.node("Neg", {x});
  const Graph graph = g.build({g.node("Sum", {a, b, c})});
  std::vector<double> wanted;
  for (int64_t i = 0; i < 4; ++i)
    wanted.push_back(static_cast<double>(i) + 1 + std::exp(kX.as_double(i)) - 1);
  // The same operations in double, up to their order.
  CHECK(difference(gradients(graph, {kX})[0], wanted) < 1e-15);
}

TEST_CASE("the gradient of a norm is zero at zero, as PyTorch has it, and not NaN") {
  const Tensor rows = Tensor::of<double>({2, 2}, {0, 0, 3, -4});
  const auto gradient = [&](auto make) {
    GraphBuilder g;
    return gradients(g.build({make(g, g.input("x", {2, 2}))}), {rows})[0].to_doubles();
  };
  using Values = std::vector<double>;
  const Attributes last{{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{1}}};
  const auto norm = [&](GraphBuilder& g, ValueId x) { return g.node("ReduceL2", {x}, last); };
  CHECK(difference(Tensor::of<double>({4}, gradient(norm)), Values{0, 0, .6, -.8}) < 1e-15);
  // torch.nn.functional.normalize: x / max(|x|, 1e-12)
  const auto unit = gradient([&](GraphBuilder& g, ValueId x) {
    return g.node("Div", {x, g.node("Clip", {norm(g, x), g.constant({}, {1e-12})})});
  });
  CHECK(unit[0] == Approx(1e12));
  CHECK(unit[2] == Approx(.2 - .6 * -.2 / 5));
  const auto normalised = gradient([](GraphBuilder& g, ValueId x) { return g.node("LpNormalization", {x}); });
  for (const double v : normalised) CHECK(std::isfinite(v));
  const auto pooled = gradient([](GraphBuilder& g, ValueId x) {
    const ValueId series = g.node("Unsqueeze", {x, g.ints({1})});
    return g.node("LpPool", {series}, {{"kernel_shape", std::vector<int64_t>{2}}});
  });
  CHECK(difference(Tensor::of<double>({4}, pooled), Values{0, 0, .6, -.8}) < 1e-15);
}

TEST_CASE("a value read twice by one node gets both shares") {
  GraphBuilder g;
  const ValueId x = g.input("x", kRow);
  CHECK(gradients(g.build({g.node("Add", {x, x})}), {kX})[0].to_doubles() == std::vector<double>{2, 2, 2, 2});
  CHECK(gradients(g.build({g.node("Mul", {x, x})}), {kX})[0].to_doubles() ==
        std::vector<double>{1, -2, 4, 6});
  CHECK(gradients(g.build({g.node("Concat", {x, x}, {{"axis", int64_t{0}}})}), {kX})[0].to_doubles() ==
        std::vector<double>{2, 2, 2, 2});
  CHECK(gradients(g.build({g.node("Sub", {x, x})}), {kX})[0].to_doubles() == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("a clip's gradient is read off its result, and is 0 at and beyond its bounds") {
  GraphBuilder g;
  const ValueId x = g.input("x", kRow);
  const ValueId y = g.node("Clip", {x, g.constant(Tensor::scalar(0.5)), g.constant(Tensor::scalar(3))});
  CHECK(gradients(g.build({y}), {kX})[0].to_doubles() == std::vector<double>{0, 0, 1, 0});
}

/// x -> dense -> tanh -> dense, the second layer with the weights of the first or with a copy of them.
Graph twice(bool shared) {
  GraphBuilder g;
  const Tensor weights = hashed({4, 4}, 1), bias = hashed({4}, 2);
  const ValueId x = g.input("x", kRow), w = g.constant(weights), b = g.constant(bias);
  const ValueId hidden = g.node("Tanh", {g.dense(x, w, b)});
  return g.build({shared ? g.dense(hidden, w, b) : g.dense(hidden, g.constant(weights), g.constant(bias))});
}

TEST_CASE("a tied layer, used twice, is the same as two copies of it") {
  for (const char* method : {"gradient", "guided_backprop", "integrated_gradients_steps_4", "lrp_z",
                             "lrp_epsilon_0_25", "lrp_epsilon_0_25_std_x", "lrp_alpha_2_beta_1", "lrp_gamma",
                             "lrp_z_plus", "lrp_w_square", "lrp_flat", "lrpsign_z", "deep_taylor"}) {
    INFO(method);
    CHECK(explain(twice(true), method, kX, 2).to_doubles() ==
          explain(twice(false), method, kX, 2).to_doubles());
  }
}

/// y = tanh(a w) + tanh(c v)
Graph two_inputs() {
  GraphBuilder g;
  const ValueId a = g.input("a", kRow), c = g.input("c", kRow);
  const ValueId left = g.node(
      "Tanh", {g.node("MatMul", {a, g.constant(hashed({4, 3}, 1))}, {}, "left.product")}, {}, "left.tanh");
  const ValueId right = g.node(
      "Tanh", {g.node("MatMul", {c, g.constant(hashed({4, 3}, 2))}, {}, "right.product")}, {}, "right.tanh");
  return g.build({g.node("Add", {left, right}, {}, "sum")});
}

/// The program of the gradient in `wrt` alone.
Program gradient_program(const Graph& graph, ValueId wrt) {
  ExplainSpec spec = explain_spec("gradient");
  spec.at = wrt;
  return emit_explanation(graph, OpRegistry::builtin(), spec);
}

int64_t steps_of_node(const Program& program, int32_t node) {
  return std::ranges::count_if(program.steps, [&](const Step& s) { return s.node == node; });
}

TEST_CASE("an input that nobody asks about costs no step") {
  const Graph graph = two_inputs();
  const Program both = raw_program(graph, "gradient"), left = gradient_program(graph, graph.inputs[0].value);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto node = static_cast<int32_t>(n);
    const std::string& name = graph.nodes[n].origin.names.front();
    INFO(name);
    // The forward pass of every node here is one step, and so is the sum, through which the cotangent passes
    // as it is.
    CHECK((steps_of_node(left, node) == 1) == (name != "left.product" && name != "left.tanh"));
    CHECK(steps_of_node(both, node) >= steps_of_node(left, node));
  }
  const Tensor a = hashed(kRow, 3), c = hashed(kRow, 4);
  const Tensor index = Tensor::of<int64_t>({1}, {1});
  CHECK(run(left, {a, c, index}).at("attribution:0:0:0").to_doubles() ==
        explain_all(graph, "gradient", {a, c}, 1)[0].to_doubles());
}

TEST_CASE("a node that does not lead to the target emits nothing behind it") {
  GraphBuilder g;
  const ValueId x = g.input("x", kRow);
  const ValueId used = g.node("Tanh", {x}, {}, "used"), unused = g.node("Exp", {x}, {}, "unused");
  const Graph graph = g.build({used, unused});
  const Program program = raw_program(graph, "gradient");
  CHECK(steps_of_node(program, 0) > 1);
  CHECK(steps_of_node(program, 1) == 1);
}

TEST_CASE("an input that the target does not depend on gets zeros") {
  GraphBuilder g;
  const ValueId x = g.input("x", kRow), other = g.input("other", {2, 2});
  const ValueId y = g.node("Tanh", {x});
  const Graph graph = g.build({y, g.node("Exp", {other})});
  CHECK(explain_all(graph, "gradient", {kX, hashed({2, 2}, 1)}, 0)[1].to_doubles() ==
        std::vector<double>(4, 0.0));
}

TEST_CASE("the cotangent at an inner value is what its readers send") {
  GraphBuilder g;
  const ValueId x = g.input("x", kRow);
  const ValueId inner = g.node("Mul", {x, x}, {}, "inner");
  const ValueId w = g.constant({4, 1}, {1, -2, 3, 4});
  const Graph graph = g.build({g.node("MatMul", {inner, w})});
  ValueId at = kNoValue;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].name == "inner") at = static_cast<ValueId>(i);
  }
  REQUIRE(at != kNoValue);
  const Program program = gradient_program(graph, at);
  CHECK(run(program, {kX, Tensor::of<int64_t>({1}, {0})}).at("attribution:0:0:0").to_doubles() ==
        std::vector<double>{1, -2, 3, 4});
}

TEST_CASE("a VGG-like net under epsilon has one convolution and one adjoint per layer") {
  GraphBuilder g;
  ValueId v = g.input("x", {1, 3, 8, 8});
  int64_t channels = 3;
  for (const int64_t next : {4, 4, 8, 8}) {
    v = g.relu(g.conv(v, g.constant(hashed({next, channels, 3, 3}, next + channels)),
                      g.constant(hashed({next}, next))));
    if (next == channels) v = g.max_pool(v);
    channels = next;
  }
  const ValueId w = g.constant(hashed({32, 5}, 3));
  const Graph graph = g.build({g.softmax(g.dense(g.flatten(v), w, g.constant(hashed({5}, 4))))});
  const auto counts = count_primitives(explanation_program(graph, "lrp_epsilon_0_1"));
  CHECK(counts.at("convolution") == 4);
  CHECK(counts.at("convolution_input") == 4);
  CHECK(counts.at("matmul") == 2);
  CHECK(counts.at("max_pool") == 2);
  CHECK(counts.at("max_pool_scatter") == 2);
}

TEST_CASE("an optimised explanation computes nothing twice") {
  for (const auto& [name, net] : homogeneous_nets()) {
    for (const char* method : {"gradient", "lrp_z", "lrp_epsilon_0_1", "lrpsign_epsilon_0_25_std_x"}) {
      INFO(name << ", " << method);
      const Program once = explanation_program(net.graph, method);
      Program again = once;
      eliminate_common_subexpressions(again);
      eliminate_dead_code(again);
      CHECK(again.steps.size() == once.steps.size());
    }
  }
}

}  // namespace
}  // namespace onnxray::test
