#include <array>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/cost.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"
#include "tests/support/with_options.h"

// What an explanation costs on a backend that parts terms by the sign of their weights, whichever processor
// the tests run on.

namespace onnxray::test {
namespace {

WithOptions splitting() {
  return {make_onednn_backend(2), [](PlanOptions& options) { options.splits_weights = true; }};
}

constexpr int64_t kChannels = 64;  // fewer terms are taken literally

/// Relu(Conv), then Relu(x + Conv(Relu(Conv(x)))) with 1x1 kernels, a mean over space and a dense layer.
Graph residual_net() {
  GraphBuilder g;
  const auto conv = [&](ValueId x, int64_t in, int64_t seed) {
    return g.conv(x, g.constant(hashed({kChannels, in, 1, 1}, seed)),
                  g.constant(hashed({kChannels}, seed + 9)), 0);
  };
  const ValueId x = g.relu(conv(g.input("x", {2, kChannels, 4, 4}), kChannels, 1));
  const ValueId y = g.relu(g.node("Add", {x, conv(g.relu(conv(x, kChannels, 2)), kChannels, 3)}));
  const ValueId features = g.flatten(g.node("GlobalAveragePool", {y}));
  return g.build({g.dense(features, g.constant(hashed({kChannels, 3}, 4)), g.constant(hashed({3}, 5)))});
}

/// Split and plain convolutions, split and plain adjoints.
using Counts = std::array<int64_t, 4>;

Program program_of(const Graph& graph, const std::string& method, Backend& backend) {
  Program program = raw_program(graph, method);
  optimise(program, backend);
  return program;
}

Counts counts_of(const Program& program) {
  auto counts = count_primitives(program);
  return {counts["split_convolution"], counts["convolution"], counts["split_convolution_input"],
          counts["convolution_input"]};
}

double convolution_flops(const Program& program) {
  double flops = 0;
  for (const Step& step : program.steps) {
    if (std::string_view(name_of(step.primitive)).find("convolution") != std::string_view::npos)
      flops += cost_of(program, step, {.real_size = 4}).flops;
  }
  return flops;
}

}  // namespace

TEST_CASE("where terms are parted by sign, both halves behind a Relu cost the passes of one product") {
  const Graph graph = residual_net();
  WithOptions backend = splitting();
  struct Expected {
    const char* method;
    Counts counts;
  };
  // Three convolutions are the forward pass. The input has both signs: x * w and |x| * |w| are two products
  // there, and have an adjoint each.
  const Expected table[] = {
      {"gradient", {0, 3, 0, 3}},
      {"lrp_epsilon_0_1", {0, 3, 0, 3}},
      {"lrp_z_plus", {2, 2, 0, 4}},
      {"lrp:composite=epsilon_plus", {2, 2, 0, 4}},
      {"lrp:composite=epsilon_plus_flat", {2, 1, 0, 3}},
      {"lrp_alpha_2_beta_1", {2, 2, 2, 2}},
      {"lrp:composite=epsilon_alpha2_beta1_flat", {2, 1, 2, 1}},
      // In front of the Add z may have either sign, and both halves send relevance.
      {"lrp_gamma", {2, 2, 1, 3}},
      {"lrp:composite=epsilon_gamma_box,low=-1,high=2", {2, 1, 1, 3}},
  };
  const double forward = convolution_flops(program_of(graph, "gradient", backend)) / 2;
  for (const auto& [method, counts] : table) {
    INFO(method);
    const Program program = program_of(graph, method, backend);
    CHECK(counts_of(program) == counts);
    // A step is one pass over its weights, or less: flat weights are the same for every channel.
    int64_t steps = 0;
    for (const int64_t count : counts) steps += count;
    CHECK(convolution_flops(program) <= 1.02 * forward / 3 * static_cast<double>(steps));  // with biases
  }
}

TEST_CASE("maps are the same where terms are parted by sign") {
  const Graph graph = residual_net();
  WithOptions backend = splitting();
  const auto reference = make_reference_backend(true);
  const Tensor x = hashed({2, kChannels, 4, 4}, 7);
  for (const char* method : {"lrp_z_plus", "lrp_alpha_2_beta_1", "lrp_alpha_3_beta_2", "lrp_gamma"}) {
    INFO(method);
    const auto map = [&](Backend& on) {
      return explain_together(on, graph, {method}, x, target_index({1, 2}))[0];
    };
    // Float sums of 64 terms in three layers.
    CHECK(difference(map(backend), map(*reference)) < 1e-5);
  }
}

TEST_CASE("a convolution's form waits for its reader where memory allows, and is computed late where not") {
  const Graph graph = residual_net();
  WithOptions backend = splitting();
  Program program = program_of(graph, "lrp_z_plus", backend);
  const int64_t joined = make_plan(program, backend.plan_options()).arena_bytes;
  part_by_sign(program);
  CHECK(counts_of(program) == Counts{0, 6, 0, 4});
  CHECK(make_plan(program, backend.plan_options()).arena_bytes < joined);
}

}  // namespace onnxray::test
