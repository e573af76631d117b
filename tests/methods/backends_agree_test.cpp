#include "backends/onednn/onednn.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"

namespace onnxray::test {
namespace {

Tensor on_onednn(const Graph& graph, const std::string& method, const Tensor& x, int64_t target) {
  const auto backend = make_onednn_backend(1);
  Program program = raw_program(graph, method);
  optimise(program, *backend);
  const Plan plan = make_plan(program, backend->plan_options());
  const std::vector<int64_t> targets(static_cast<size_t>(x.shape()[0]), target);
  const auto values =
      backend->compile(plan)->run(std::vector{x, Tensor::of<int64_t>({x.shape()[0]}, targets)});
  for (size_t i = 0; i < values.size(); ++i) {
    if (plan.program.outputs[i].name == "attribution:0:0:0") return values[i];
  }
  return {};
}

TEST_CASE("onednn computes what the reference backend computes in the gradient and CAM families") {
  const std::pair<std::string, Net> nets[] = {{"C", model_c()},
                                              {"convolutions", conv_net({.batch = 2})},
                                              {"average", average_net({.batch = 2})},
                                              {"residual", residual_net({.batch = 2})},
                                              {"branching", branching_net({.batch = 2})}};
  for (const auto& [name, net] : nets) {
    for (const std::string method :
         {"gradient", "gradient_x_sign_mu_0_5", "guided_backprop", "deconvnet_x_sign",
          "integrated_gradients_steps_6", "integrated_gradients:steps=5,ig_quadrature=gauss_legendre",
          "smoothgrad_samples_5_x_input", "smoothgrad_squared_samples_5", "vargrad_samples_5",
          "vargrad:samples=5,noise=range", "grad_cam", "guided_grad_cam", "occlusion:window=2,stride=1",
          "random_uniform"}) {
      INFO(name << ", " << method);
      // float against double: 1e-5 of the largest entry, as every comparison of attributions.
      const int64_t samples = net.x.shape()[0];
      const Tensor wanted =
          explain_results(net.graph, method, {net.x},
                          target_index(std::vector<int64_t>(static_cast<size_t>(samples), 1)))
              .at("attribution:0:0:0");
      CHECK(difference(on_onednn(net.graph, method, net.x, 1), wanted) < 1e-5);
    }
  }
}

}  // namespace
}  // namespace onnxray::test
