#include <algorithm>
#include <cmath>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

const std::vector<std::string> kMethods{"gradient",
                                        "guided_backprop",
                                        "input_t_gradient",
                                        "integrated_gradients:steps=4",
                                        "smoothgrad:samples=3",
                                        "lrp_z",
                                        "lrp_epsilon_0_1",
                                        "lrp_alpha_1_beta_0",
                                        "lrp_alpha_2_beta_1",
                                        "lrp_gamma",
                                        "lrpsign_z",
                                        "lrp_sequential_composite_b",
                                        "lrp:composite=epsilon_gamma_box,low=-1,high=1"};

/// Two 3x3 convolutions between 64 channels around a residual sum: large enough for Winograd's filtering.
Net wide_net() {
  using Ints = std::vector<int64_t>;
  GraphBuilder g;
  const auto conv = [&](ValueId x, int64_t from, int seed) {
    const double scale = 1.5 / std::sqrt(9.0 * static_cast<double>(from));
    return g.node(
        "Conv",
        {x, g.constant(hashed({64, from, 3, 3}, seed, scale)), g.constant(hashed({64}, seed + 1, .1))},
        {{"pads", Ints{1, 1, 1, 1}}});
  };
  const ValueId x = g.input("x", {1, 3, 20, 20});
  const ValueId stem = g.relu(conv(x, 3, 31));
  const ValueId sum = g.relu(g.node("Add", {stem, conv(g.relu(conv(stem, 64, 33)), 64, 35)}));
  const ValueId pooled = g.flatten(g.node("GlobalAveragePool", {sum}));
  return {g.build({g.dense(pooled, g.constant(hashed({64, 4}, 37, .4)), g.constant(hashed({4}, 38, .3)))}),
          hashed({1, 3, 20, 20}, 39)};
}

struct Marked {
  int64_t convolutions = 0, adjoints = 0;
  bool operator==(const Marked&) const = default;
};

Marked marked(const Net& net, const std::string& method, Backend& backend) {
  Program program = raw_program(net.graph, method);
  optimise(program, backend);
  Marked count;
  for (const Step& step : program.steps) {
    const auto* convolution = std::get_if<Convolution>(&step.primitive);
    const auto* adjoint = std::get_if<ConvolutionInput>(&step.primitive);
    if (convolution && convolution->winograd) ++count.convolutions;
    if (adjoint && adjoint->winograd) ++count.adjoints;
  }
  return count;
}

}  // namespace

TEST_CASE("maps whose adjoints run as Winograd's filtering are those of the double reference") {
  const Net net = wide_net();
  const auto fast = make_onednn_backend(2), rounded = make_reference_backend(false),
             exact = make_reference_backend(true);
  const auto maps = [&](Backend& backend) {
    return explain_together(backend, net.graph, kMethods, net.x, target_index({1}));
  };
  const auto found = maps(*fast), float_maps = maps(*rounded), expected = maps(*exact);
  for (size_t m = 0; m < kMethods.size(); ++m) {
    INFO(kMethods[m]);
    // Of the largest entry; where float inputs alone move a map by more, ten times that.
    const double magnified = difference(float_maps[m], expected[m]);
    CHECK(difference(found[m], expected[m]) < std::max(1e-5, 10 * magnified));
  }
}

TEST_CASE("what flows back goes through Winograd's filtering; of forward passes those of loops alone") {
  const Net net = wide_net();
  const auto backend = make_onednn_backend(2);
  for (const std::string method : {"gradient", "lrp_epsilon_0_1", "lrp_alpha_1_beta_0"}) {
    INFO(method);
    CHECK(marked(net, method, *backend) == Marked{0, 2});
  }
  CHECK(marked(net, "integrated_gradients:steps=4", *backend) == Marked{2, 2});
}

}  // namespace onnxray::test
