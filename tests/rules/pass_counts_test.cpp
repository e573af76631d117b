#include <array>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/cost.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

// What an explanation costs, counted: products of the program, forward and backward, by method. A pass that
// is computed twice, or that the model's own results could have spared, shows up here.

namespace onnxray::test {
namespace {

/// Convolutions, their adjoints, matrix products.
using Counts = std::array<int64_t, 3>;

Counts counts_of(const Program& program) {
  auto counts = count_primitives(program);
  return {counts["convolution"], counts["convolution_input"], counts["matmul"]};
}

/// Three layers Conv - Relu with biases and 72 terms per sum behind the first, a MaxPool, then one dense
/// layer.
Graph plain_net() {
  GraphBuilder g;
  ValueId v = g.input("x", {2, 3, 8, 8});
  for (const int64_t channels : {3, 8, 8}) {
    v = g.relu(
        g.conv(v, g.constant(hashed({8, channels, 3, 3}, channels)), g.constant(hashed({8}, channels + 1))));
    if (channels == 3) v = g.max_pool(v);
  }
  return g.build({g.dense(g.flatten(v), g.constant(hashed({128, 3}, 3)), g.constant(hashed({3}, 4)))});
}

/// Relu(Conv), then Relu(x + Conv(Relu(Conv(x)))), a mean over space and a dense layer.
Graph residual_net_of_eight() {
  GraphBuilder g;
  const auto conv = [&](ValueId x, int64_t in, int64_t seed) {
    return g.conv(x, g.constant(hashed({8, in, 3, 3}, seed)), g.constant(hashed({8}, seed + 9)));
  };
  const ValueId x = g.relu(conv(g.input("x", {1, 3, 6, 6}), 3, 1));
  const ValueId y = g.relu(g.node("Add", {x, conv(g.relu(conv(x, 8, 2)), 8, 3)}));
  const ValueId features = g.flatten(g.node("GlobalAveragePool", {y}));
  return g.build({g.dense(features, g.constant(hashed({8, 3}, 4)), g.constant(hashed({3}, 5)))});
}

TEST_CASE("each method costs the passes of its formula and no more") {
  const Graph plain = plain_net(), residual = residual_net_of_eight();
  struct Expected {
    const char* method;
    Counts plain, residual;
  };
  // Three convolutions and a product are the forward pass. The input has both signs, what follows a Relu has
  // one.
  const Expected table[] = {
      {"gradient", {3, 3, 2}, {3, 3, 2}},
      {"guided_backprop", {3, 3, 2}, {3, 3, 2}},
      {"grad_cam", {3, 0, 2}, {3, 0, 2}},
      {"lrp_z", {3, 3, 2}, {3, 3, 2}},
      {"lrp_epsilon_0_1", {3, 3, 2}, {3, 3, 2}},
      {"lrp_epsilon_0_25_std_x", {3, 3, 2}, {3, 3, 2}},
      {"lrpsign_epsilon_0_1", {3, 3, 2}, {3, 3, 2}},
      {"deep_taylor", {3, 3, 2}, {3, 3, 2}},
      // At the input layer a second adjoint.
      {"zblrp_epsilon_0_1:low=-1,high=2", {3, 4, 2}, {3, 4, 2}},
      {"flatlrp_epsilon_0_1", {3, 3, 2}, {3, 3, 2}},
      {"w2lrp_epsilon_0_1", {3, 3, 2}, {3, 3, 2}},
      // One more product each, and at the input layer a second adjoint.
      {"lrp_z_plus", {6, 4, 3}, {6, 4, 3}},
      {"lrp_alpha_1_beta_0", {6, 4, 3}, {6, 4, 3}},
      {"lrp_sequential_composite_a", {6, 4, 2}, {6, 4, 2}},
      {"lrp:composite=epsilon_plus", {6, 4, 2}, {6, 4, 2}},
      {"lrp:composite=epsilon_plus_flat", {5, 3, 2}, {5, 3, 2}},
      // One more product and one more adjoint each; the residual net's dense layer sums too few terms to take
      // one half from the other.
      {"lrp_alpha_2_beta_1", {6, 6, 4}, {6, 6, 5}},
      {"lrp_sequential_composite_b", {6, 6, 2}, {6, 6, 2}},
      {"lrp:composite=epsilon_alpha2_beta1_flat", {5, 5, 2}, {5, 5, 2}},
      // One more product; a second adjoint where the sign of z is open: input layer, before an Add, logits.
      {"lrp_gamma", {6, 4, 4}, {6, 5, 4}},
      {"lrp:composite=epsilon_gamma_box,low=-1,high=2", {5, 4, 2}, {5, 5, 2}},
  };
  for (const auto& [method, of_plain, of_residual] : table) {
    INFO(method);
    CHECK(counts_of(explanation_program(plain, method)) == of_plain);
    CHECK(counts_of(explanation_program(residual, method)) == of_residual);
  }
}

TEST_CASE("methods and targets of one program share the forward pass") {
  const auto counts = [](const std::vector<std::string>& methods, size_t targets) {
    ExplainSpec spec;
    spec.methods = resolve_methods(methods, {}, "signxai");
    spec.targets.assign(targets, TargetSpec::Kind::index);
    Program program = emit_explanation(plain_net(), OpRegistry::builtin(), spec);
    optimise(program, *make_reference_backend(true));
    return counts_of(program);
  };
  CHECK(counts({"gradient"}, 3) == Counts{3, 9, 4});
  CHECK(counts({"gradient", "input_t_gradient", "gradient_x_sign"}, 1) == Counts{3, 3, 2});
  CHECK(counts({"gradient", "lrp_epsilon_0_1", "lrpsign_epsilon_0_1"}, 1) == Counts{3, 7, 3});
  // The products under w+ serve every target and both methods.
  CHECK(counts({"lrp_z_plus", "lrp_alpha_1_beta_0"}, 2) == Counts{6, 16, 6});
}

TEST_CASE("what one half takes from the other is what it would be alone, in float") {
  // The sums of 72 terms in float32, as the program runs, against the literal halves in double.
  const Graph graph = plain_net();
  for (const char* method : {"lrp_alpha_2_beta_1", "lrp_alpha_3_beta_2", "lrp_gamma"}) {
    INFO(method);
    const auto map = [&](const std::string& exact, bool in_double) {
      const Program program =
          explanation_program(graph, std::string(method) + ":exact_splits=" + exact, TargetSpec::Kind::index);
      const auto backend = make_reference_backend(in_double);
      std::vector<Tensor> values =
          backend->compile(make_plan(program, backend->plan_options()))
              ->run(std::vector{hashed({2, 3, 8, 8}, 6), Tensor::of<int64_t>({2}, {0, 1})});
      return values.back();
    };
    // Rounding of three layers with a few hundred terms each.
    CHECK(difference(map("false", false), map("true", true)) < 2e-5);
  }
}

TEST_CASE(
    "large dense weights are held and read once for both forms, on a backend that reads them in place") {
  constexpr int64_t kUnits = 1024;
  GraphBuilder g;
  ValueId v = g.input("x", {2, kUnits});  // of both signs: |x| |w| beside x w
  for (const int64_t seed : {1, 2})
    v = g.relu(
        g.dense(v, g.constant(hashed({kUnits, kUnits}, seed)), g.constant(hashed({kUnits}, seed + 2))));
  const Graph graph = g.build({g.dense(v, g.constant(hashed({kUnits, 8}, 5)), g.constant(hashed({8}, 6)))});
  const Tensor x = hashed({2, kUnits}, 7);
  const auto onednn = make_onednn_backend(2), reference = make_reference_backend(true);
  for (const char* method : {"lrp_alpha_2_beta_1", "lrp_z_plus", "lrp_gamma"}) {
    INFO(method);
    Program program = raw_program(graph, method);
    optimise(program, *onednn);
    int64_t large = 0;  // steps that read a large weight: each layer forward and back
    for (const Step& step : program.steps) {
      large += std::ranges::any_of(step.inputs, [&](Var w) {
        return program[w].shape == Shape{kUnits, kUnits};
      });
    }
    CHECK(large == 4);
    const PlanMemory memory = memory_of(make_plan(program, onednn->plan_options()));
    CHECK(memory.constants < 4 * (2 * kUnits * kUnits + 40 * kUnits));
    const auto map = [&](Backend& backend) {
      return explain_together(backend, graph, {method}, x, target_index({3, 4}))[0];
    };
    // Float sums of a thousand terms, in three layers.
    CHECK(difference(map(*onednn), map(*reference)) < 1e-5);
  }
}

}  // namespace
}  // namespace onnxray::test
