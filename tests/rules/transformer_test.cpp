#include <cmath>

#include "backward/reverse.h"
#include "rules/composite.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

// AttnLRP and CP-LRP against a walk that never forms relevance: one gradient pass whose factors at products,
// activations and normalisers are changed, multiplied by the input at its end.

namespace onnxray::test {
namespace {

using Ints = std::vector<int64_t>;
constexpr int64_t kTokens = 5, kWidth = 8, kHeads = 2;
// Both walks round sums of a few hundred numbers of size one, in double; relevance divides and multiplies by
// the same number at every node, of which some are small.
constexpr double kRounding = 1e-8;

struct BlockOptions {
  bool bias = true;
  bool causal = false;
  std::string norm = "LayerNormalization", activation = "Gelu";
  bool gated = false;
};

/// A pre-norm transformer block with attention over `kHeads` heads, then a mean over tokens and two classes.
class Block {
 public:
  explicit Block(const BlockOptions& options) : options_(options) {}

  Graph graph() {
    const ValueId x = g_.input("x", {1, kTokens, kWidth});
    const ValueId a = g_.node("Add", {x, attention(normalised(x))});
    const ValueId y = g_.node("Add", {a, feed_forward(normalised(a))});
    const ValueId pooled =
        g_.node("ReduceMean", {normalised(y)}, {{"axes", Ints{1}}, {"keepdims", int64_t{0}}});
    return g_.build({dense(pooled, kWidth, 2)});
  }

 private:
  ValueId normalised(ValueId x) {
    const ValueId scale = g_.constant(hashed({kWidth}, ++seed_, 0.5));
    if (options_.norm != "LayerNormalization" || !options_.bias) return g_.node(options_.norm, {x, scale});
    return g_.node(options_.norm, {x, scale, g_.constant(hashed({kWidth}, ++seed_, 0.3))});
  }
  ValueId dense(ValueId x, int64_t in, int64_t out) {
    const ValueId y = g_.node("MatMul", {x, g_.constant(hashed({in, out}, ++seed_, 0.7))});
    return options_.bias ? g_.node("Add", {y, g_.constant(hashed({out}, ++seed_, 0.3))}) : y;
  }
  ValueId heads(ValueId x, const Ints& permutation) {
    const ValueId split = g_.node("Reshape", {x, g_.ints({1, kTokens, kHeads, kWidth / kHeads})});
    return g_.node("Transpose", {split}, {{"perm", permutation}});
  }
  ValueId attention(ValueId x) {
    const ValueId q = heads(dense(x, kWidth, kWidth), {0, 2, 1, 3}),
                  k = heads(dense(x, kWidth, kWidth), {0, 2, 3, 1}),
                  v = heads(dense(x, kWidth, kWidth), {0, 2, 1, 3});
    ValueId scores = g_.node("Mul", {g_.node("MatMul", {q, k}), g_.constant({}, {0.5})});
    if (options_.causal) scores = g_.node("Add", {scores, causal_mask()});
    const ValueId y = g_.node("MatMul", {g_.softmax(scores), v});
    const ValueId joined = g_.node("Transpose", {y}, {{"perm", Ints{0, 2, 1, 3}}});
    return dense(g_.node("Reshape", {joined, g_.ints({1, kTokens, kWidth})}), kWidth, kWidth);
  }
  ValueId causal_mask() {
    std::vector<double> mask;
    for (int64_t i = 0; i < kTokens; ++i)
      for (int64_t j = 0; j < kTokens; ++j) mask.push_back(j > i ? -INFINITY : 0);
    return g_.constant({kTokens, kTokens}, mask);
  }
  ValueId feed_forward(ValueId x) {
    ValueId hidden = g_.node(options_.activation, {dense(x, kWidth, 16)});
    if (options_.gated) hidden = g_.node("Mul", {hidden, dense(x, kWidth, 16)});
    return dense(hidden, 16, kWidth);
  }

  GraphBuilder g_;
  BlockOptions options_;
  int64_t seed_ = 40;
};

// Rules of the gradient domain.

/// The derivative times `factor`, to all inputs or to one alone.
class Scaled final : public Rule {
 public:
  explicit Scaled(double factor, std::optional<size_t> only = {}) : factor_(factor), only_(only) {}
  std::string name() const override { return "scaled"; }
  void emit(NodeContext& context) const override {
    const std::vector<Var> shares = context.adjoint(context.b.mul(context.cotangent(), factor_));
    for (size_t i = 0; i < shares.size(); ++i)
      if (!only_ || *only_ == i) context.send(i, shares[i]);
  }

 private:
  double factor_;
  std::optional<size_t> only_;
};

/// f(x) / x instead of the slope.
class Secant final : public Rule {
 public:
  std::string name() const override { return "secant"; }
  void emit(NodeContext& context) const override {
    Builder& b = context.b;
    context.send(0, b.mul(context.cotangent(), b.div(context.output(), context.input(0))));
  }
};

/// Normalisation along the last axis by a constant deviation.
class Detached final : public Rule {
 public:
  std::string name() const override { return "detached"; }
  void emit(NodeContext& context) const override {
    Builder& b = context.b;
    const Var x = context.input(0), g = b.mul(context.cotangent(), context.input(1));
    const bool centres = context.node.op == "LayerNormalization";
    const Var centred = centres ? b.sub(x, b.mean(x, {-1})) : x;
    const Var deviation = b.sqrt(b.add(b.mean(b.mul(centred, centred), {-1}), 1e-5));
    const Var scaled = b.div(g, deviation);
    context.send(0, centres ? b.sub(scaled, b.mean(scaled, {-1})) : scaled);
  }
};

bool is_weights(const Graph& graph, ValueId id) {
  const int32_t p = graph.producers()[static_cast<size_t>(id)];
  return p >= 0 && graph.nodes[static_cast<size_t>(p)].op == "Softmax";
}

/// x times the changed gradient of one logit.
Tensor oracle(const Graph& graph, const Tensor& x, int64_t target, bool cp) {
  static const Scaled kHalf(0.5), kFirst(1, 0), kSecond(1, 1);
  static const Secant kSecant;
  static const Detached kDetached;
  const RulePicker pick = [&](int32_t n) -> const Rule* {
    const Node& node = graph.nodes[static_cast<size_t>(n)];
    if (node.op.ends_with("Normalization")) return &kDetached;
    if (node.op == "Gelu" || node.op == "Swish" || node.op == "Relu") return &kSecant;
    const bool product = node.op == "MatMul" || node.op == "Mul";
    if (!product || graph.constant(node.inputs[0]) || graph.constant(node.inputs[1])) return nullptr;
    if (!cp) return &kHalf;
    if (is_weights(graph, node.inputs[0]) || node.op == "Mul") return &kSecond;
    return &kFirst;  // no relevance arrives at the scores
  };
  Program program;
  Builder b(program);
  const Var input = b.input("x", x.shape(), DType::f64);
  const Forward forward = lower_graph(graph, OpRegistry::builtin(), b, std::vector{input});
  const Var logits = forward.vars[static_cast<size_t>(graph.outputs[0])];
  std::vector<double> chosen(static_cast<size_t>(element_count(b.shape(logits))), 0.0);
  chosen[static_cast<size_t>(target)] = 1;
  ReverseWalk walk(graph, forward, b, pick);
  walk.seed(logits, b.constant(Tensor::of<double>(b.shape(logits), chosen)));
  const Var wrt[] = {input};
  b.output("relevance", b.mul(input, walk.run(wrt)[0]));
  return run(program, {x}).at("relevance");
}

std::vector<BlockOptions> all_blocks(bool bias) {
  return {{.bias = bias},
          {.bias = bias, .causal = true, .activation = "Relu"},
          {.bias = bias, .causal = true, .norm = "RMSNormalization", .activation = "Swish", .gated = true}};
}

TEST_CASE("AttnLRP and CP-LRP are x times a changed gradient") {
  const Tensor x = hashed({1, kTokens, kWidth}, 5, 1.5);
  for (const BlockOptions& options : all_blocks(true)) {
    INFO(options.norm << " " << options.activation);
    const Graph graph = Block(options).graph();
    for (int64_t target = 0; target < 2; ++target) {
      CHECK(difference(explain(graph, "lrp:composite=attnlrp", x, target), oracle(graph, x, target, false)) <
            kRounding);
      CHECK(difference(explain(graph, "lrp:composite=cp_lrp", x, target), oracle(graph, x, target, true)) <
            kRounding);
    }
  }
}

TEST_CASE("CP-LRP conserves relevance in a transformer block without biases") {
  const Tensor x = hashed({1, kTokens, kWidth}, 5, 1.5);
  for (const BlockOptions& options : all_blocks(false)) {
    INFO(options.norm << " " << options.activation);
    const Graph graph = Block(options).graph();
    const Results results = explain_results(graph, "lrp:composite=cp_lrp", {x}, target_index({1}));
    // A LayerNormalization conserves: the sum of x C(v) is that of C(x) v.
    CHECK(sum(results.at("attribution:0:0:0")) == Approx(results.at("score:0").as_double(0)).epsilon(1e-8));
  }
}

std::string rule_of(const Graph& graph, const std::string& composite, const std::string& op,
                    size_t which = 0) {
  const RuleAssignment rules(
      graph, OpRegistry::builtin(),
      lrp_composite(resolve_methods({"lrp:composite=" + composite}, {}, "signxai")[0]));
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op == op && which-- == 0) return rules.name_of(static_cast<int32_t>(n));
  }
  return "none";
}

TEST_CASE("CP-LRP gives the values of attention all relevance, AttnLRP half") {
  const Graph graph = Block({.norm = "RMSNormalization", .activation = "Swish", .gated = true}).graph();
  std::vector<std::string> cp, attn;
  for (size_t i = 0; i < 8; ++i) {
    cp.push_back(rule_of(graph, "cp_lrp", "MatMul", i));
    attn.push_back(rule_of(graph, "attnlrp", "MatMul", i));
  }
  CHECK(std::ranges::count(cp, "gate(signal 1)") == 1);
  CHECK(std::ranges::count(attn, "bilinear") == 2);
  CHECK(rule_of(graph, "attnlrp", "Softmax") == "softmax");
  CHECK(rule_of(graph, "attnlrp", "RMSNormalization") == "normaliser");
}

/// Every normaliser but LayerNormalization, on [2, 6, 4, 3].
Graph normaliser(const std::string& op, Attributes attributes, int64_t parameters, bool bias) {
  GraphBuilder g;
  std::vector<ValueId> inputs{g.input("x", {1, 6, 4, 3})};
  if (parameters > 0) inputs.push_back(g.constant(hashed({parameters}, 3)));
  if (parameters > 0) inputs.push_back(g.constant(hashed({parameters}, 4, bias ? 0.5 : 0.0)));
  return g.build({g.flatten(g.node(op, inputs, std::move(attributes)))});
}

TEST_CASE("normalisers conserve relevance but for their bias") {
  const Tensor x = hashed({1, 6, 4, 3}, 5, 2), one = Tensor::filled(DType::f64, {1, 72}, 1);
  const auto check = [&](const std::string& op, Attributes attributes, int64_t parameters) {
    INFO(op);
    for (const bool bias : {false, true}) {
      if (bias && parameters == 0) continue;
      const Graph graph = normaliser(op, attributes, parameters, bias);
      const Results results = explain_results(graph, "lrp_z", {x}, target_mask(one));
      const double total = results.at("score:0").as_double(0);
      double kept = 0;
      if (bias) {
        const std::vector<double> b = hashed_values(parameters, 4, 0.5);
        for (const double v : b) kept += v * 72 / static_cast<double>(parameters);
      }
      CHECK(sum(results.at("attribution:0:0:0")) == Approx(total - kept).margin(1e-9));
    }
  };
  check("InstanceNormalization", {}, 6);
  check("GroupNormalization", {{"num_groups", int64_t{3}}}, 3);
  check("GroupNormalization", {{"num_groups", int64_t{3}}}, 6);
  check("MeanVarianceNormalization", {{"axes", Ints{0, 2, 3}}}, 0);
  check("LpNormalization", {{"axis", int64_t{1}}}, 0);
}

TEST_CASE("the switch `gate` shares a product with a gate in halves") {
  GraphBuilder g;
  const ValueId y = g.input("y", {1, 3});
  const ValueId z = g.node("MatMul", {y, g.constant(hashed({3, 3}, 1))});
  const Graph gated = g.build({g.node("Mul", {g.node("Sigmoid", {z}), y})});
  const Tensor v = hashed({1, 3}, 2);
  const Tensor all = explain(gated, "lrp_z", v, 0);
  CHECK(all.as_double(1) == 0);
  CHECK(explain(gated, "lrp_z:gate=uniform", v, 0).as_double(1) != 0);
}

}  // namespace
}  // namespace onnxray::test
