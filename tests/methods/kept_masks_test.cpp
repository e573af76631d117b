#include <algorithm>
#include <functional>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"
#include "tests/support/with_options.h"

namespace onnxray::test {
namespace {

/// A backend that keeps masks of at least so many elements, or none.
WithOptions with_masks(std::unique_ptr<Backend> inner, int64_t least) {
  return {std::move(inner), [least](PlanOptions& options) { options.least_mask = least; }};
}

/// Convolutions of odd sizes with `activation` behind each; every second one reads, and adds, what the one in
/// front of it read.
Net chain_of(const std::string& activation, int64_t size, int64_t channels, int64_t layers) {
  GraphBuilder g;
  const auto act = [&](ValueId v, int64_t seed) {
    if (activation == "Clip") return g.node("Clip", {v, g.constant({}, {0}), g.constant({}, {0.4})});
    if (activation == "PRelu") return g.node("PRelu", {v, g.constant(hashed({channels, 1, 1}, seed, 0.5))});
    return g.node(activation, {v});
  };
  const auto conv = [&](ValueId v, int64_t in, int64_t seed) {
    return g.conv(v, g.constant(hashed({channels, in, 3, 3}, seed, 0.4)),
                  g.constant(hashed({channels}, seed + 1, 0.2)));
  };
  ValueId v = act(conv(g.input("x", {2, 2, size, size}), 2, 1), 2), shortcut = v;
  for (int64_t k = 1; k < layers; ++k) {
    v = conv(v, channels, 10 * k);
    if (k % 2 == 0) v = g.node("Add", {v, std::exchange(shortcut, v)});
    v = act(v, 10 * k + 5);
    if (k % 2 == 0) shortcut = v;
  }
  const ValueId mean = g.flatten(g.node("GlobalAveragePool", {v}));
  return {g.build({g.dense(mean, g.constant(hashed({channels, 3}, 7)), g.constant(hashed({3}, 8)))}),
          hashed({2, 2, size, size}, 9)};
}

const std::vector<std::string> kMethods{"gradient",
                                        "guided_backprop",
                                        "deconvnet",
                                        "lrp_epsilon_0_1",
                                        "lrp_alpha_1_beta_0",
                                        "integrated_gradients:steps=3",
                                        "smoothgrad:samples=3"};

int64_t count_masks(const Program& program) {
  int64_t masks = 0;
  for (const Step& step : program.steps)
    masks += std::ranges::count_if(step.outputs, [&](Var v) { return program[v].label == "mask"; });
  return masks;
}

Plan plan_of(Backend& backend, const Graph& graph, const std::string& method) {
  Program program = raw_program(graph, method);
  optimise(program, backend);
  return make_plan(std::move(program), backend.plan_options());
}

TEST_CASE("maps are the same, bit by bit, whether masks or activations are kept") {
  using Make = std::function<std::unique_ptr<Backend>()>;
  const std::vector<std::pair<std::string, Make>> backends{
      {"reference", [] { return make_reference_backend(true); }},
      {"one thread", [] { return make_onednn_backend(1); }},
      {"three threads", [] { return make_onednn_backend(3); }}};
  for (const auto& [name, make] : backends) {
    WithOptions kept = with_masks(make(), 1), unkept = with_masks(make(), 0);
    for (const char* activation : {"Relu", "Clip", "LeakyRelu", "PRelu"}) {
      // Sizes at which rows, and all elements together, end inside of bytes; 5 channels make 8 rows to a
      // block, and 77 x 77 x 5 x 2 elements are worth several threads.
      for (const int64_t size : {5, 7, 16, 77}) {
        if (size == 77 && name == "reference") continue;
        INFO(name << ", " << activation << ", " << size);
        const Net net = chain_of(activation, size, 5, 5);
        CHECK(std::ranges::any_of(plan_of(kept, net.graph, "gradient").placements, &Placement::bits));
        const auto maps = [&](Backend& b) {
          return explain_together(b, net.graph, kMethods, net.x, target_index({0, 2}));
        };
        const std::vector<Tensor> with = maps(kept), without = maps(unkept);
        for (size_t m = 0; m < kMethods.size(); ++m) {
          INFO(kMethods[m]);
          CHECK(with[m].to_doubles() == without[m].to_doubles());
        }
      }
    }
  }
}

TEST_CASE("where only masks are read again, a gradient keeps a thirty-second of its activations") {
  const Net net = chain_of("Relu", 32, 16, 12);
  constexpr int64_t kActivation = 2 * 16 * 32 * 32 * 4;
  for (const bool on_onednn : {false, true}) {
    const auto make = [&] { return on_onednn ? make_onednn_backend(2) : make_reference_backend(false); };
    WithOptions kept = with_masks(make(), 1), unkept = with_masks(make(), 0);
    const Plan with = plan_of(kept, net.graph, "gradient"), without = plan_of(unkept, net.graph, "gradient");
    // Nothing large stands between the mean of the last activation and its gradient, which reads it again.
    CHECK(count_masks(with.program) == 11);
    for (const Step& step : with.program.steps) {
      for (const Var v : step.outputs) {
        if (with.program[v].label == "mask") CHECK(with[v].bytes == kActivation / 32);
      }
    }
    CHECK(without.arena_bytes >= 12 * kActivation);
    // Three to five at work, and the masks.
    CHECK(with.arena_bytes <= 5 * kActivation + 12 * kActivation / 32 + 4096);
  }
}

TEST_CASE("rules that read activations keep them, and no masks") {
  const Net net = chain_of("Relu", 16, 16, 6);
  WithOptions kept = with_masks(make_onednn_backend(2), 1), unkept = with_masks(make_onednn_backend(2), 0);
  for (const char* method : {"lrp_epsilon_0_1", "lrp_z", "deconvnet", "lrp_alpha_2_beta_1"}) {
    INFO(method);
    CHECK(plan_of(kept, net.graph, method).arena_bytes <= plan_of(unkept, net.graph, method).arena_bytes);
  }
  CHECK(count_masks(plan_of(kept, net.graph, "deconvnet").program) == 0);
}

}  // namespace
}  // namespace onnxray::test
