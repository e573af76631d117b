#include "backends/cudnn/backend.h"
#include "backends/cudnn/executable.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/cudnn/device.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {

namespace {

const char* const kMethods[] = {"gradient",
                                "gradient_x_sign_mu_0_5",
                                "guided_backprop",
                                "deconvnet_x_sign",
                                "integrated_gradients_steps_6",
                                "smoothgrad_samples_5_x_input",
                                "vargrad_samples_5",
                                "vargrad:samples=5,noise=range",
                                "grad_cam",
                                "occlusion:window=2,stride=1",
                                "random_uniform",
                                "lrp_z",
                                "lrp_epsilon_0_1",
                                "lrp_epsilon_0_25_std_x",
                                "lrp_alpha_1_beta_0",
                                "lrp_alpha_2_beta_1",
                                "lrp_gamma",
                                "lrp_flat",
                                "lrp_w_square",
                                "lrp_z_plus",
                                "lrp_sequential_composite_a",
                                "lrp_sequential_composite_b",
                                "lrpsign_epsilon_0_1",
                                "lrpz_epsilon_0_1",
                                "w2lrp_z",
                                "flatlrp_z",
                                "zblrp_z:low=-1,high=1",
                                "deep_taylor"};

std::vector<std::pair<std::string, Net>> nets() {
  return {{"convolutions", conv_net({.batch = 2})},
          {"average", average_net({.batch = 2})},
          {"residual", residual_net({.batch = 2})},
          {"branching", branching_net({.batch = 2})}};
}

Tensor on_device(Backend& backend, const Net& net, const std::string& method) {
  Program program = raw_program(net.graph, method);
  optimise(program, backend);
  const Plan plan = make_plan(program, backend.plan_options());
  const int64_t samples = net.x.shape()[0];
  const auto executable = backend.compile(plan);
  const std::vector<Tensor> inputs{net.x, Tensor::of<int64_t>({samples}, std::vector<int64_t>(samples, 1))};
  executable->run(inputs);
  const auto values = executable->run(inputs);  // a second replay starts from nothing
  CHECK(executable->notes().empty());
  for (size_t i = 0; i < values.size(); ++i) {
    if (plan.program.outputs[i].name == "attribution:0:0:0") return values[i];
  }
  return {};
}

void compare(cudnn::Precision precision, double tolerance, double split_tolerance) {
  const auto backend = cudnn::make_cudnn_backend(precision, "");
  for (const auto& [name, net] : nets()) {
    for (const std::string method : kMethods) {
      INFO(name << ", " << method);
      const int64_t samples = net.x.shape()[0];
      const Tensor wanted =
          explain_results(net.graph, method, {net.x}, target_index(std::vector<int64_t>(samples, 1)))
              .at("attribution:0:0:0");
      const bool splits = method.find("alpha") != std::string::npos ||
                          method.find("composite") != std::string::npos ||
                          method.find("gamma") != std::string::npos;
      CHECK(difference(on_device(*backend, net, method), wanted) < (splits ? split_tolerance : tolerance));
    }
  }
}

}  // namespace

TEST_CASE("every method on the device gives what the double reference gives", "[gpu]") {
  if (!has_device()) {
    WARN("no CUDA device: skipped " << std::size(kMethods) * nets().size() << " explanations");
    return;
  }
  // fp32 on both sides of a quotient; rules that split by sign subtract large parts.
  compare(cudnn::Precision::fp32, 1e-4, 1e-3);
}

TEST_CASE("a plan launched step by step gives what its recording gives, bit by bit", "[gpu]") {
  if (!has_device()) {
    WARN("no CUDA device: skipped");
    return;
  }
  DeviceCompiler device;
  cudnn::WeightStore weights;
  const Net net = residual_net({.batch = 2});
  const auto backend = cudnn::make_cudnn_backend(cudnn::Precision::fp32, "");
  for (const std::string method : {"lrp_epsilon_0_1", "smoothgrad_samples_5_x_input"}) {
    Program program = raw_program(net.graph, method);
    optimise(program, *backend);
    const Plan plan = make_plan(program, backend->plan_options());
    const std::vector<Tensor> inputs{net.x, Tensor::of<int64_t>({2}, {1, 1})};
    const auto recorded =
        cudnn::compile_for_device(plan, device.compiler, weights, {.record = true})->run(inputs);
    const auto launched =
        cudnn::compile_for_device(plan, device.compiler, weights, {.record = false})->run(inputs);
    for (size_t i = 0; i < recorded.size(); ++i) CHECK(difference(recorded[i], launched[i]) == 0);
  }
}

}  // namespace onnxray::test
