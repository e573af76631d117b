#include "backends/cudnn/backend.h"
#include "backends/cudnn/executable.h"
#include "backends/reference/reference.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/cudnn/device.h"
#include "tests/support/agreement.h"
#include "tests/support/explain.h"
#include "tests/support/method_cases.h"
#include "tests/support/nets.h"

namespace onnxray::test {

namespace {

std::vector<std::pair<std::string, Net>> nets() {
  return {{"convolutions", conv_net({.batch = 2})},
          {"average", average_net({.batch = 2})},
          {"residual", residual_net({.batch = 2})},
          {"branching", branching_net({.batch = 2})}};
}

/// A second replay starts from nothing, and no step is left to the CPU.
std::vector<Tensor> run_twice(Executable& executable, std::span<const Tensor> inputs) {
  executable.run(inputs);
  std::vector<Tensor> values = executable.run(inputs);
  CHECK(executable.notes().empty());
  return values;
}

void compare(const std::string& name, const Net& net) {
  const std::vector<std::string> methods = method_cases(NetKind::images);
  const TargetSpec target = target_index(std::vector<int64_t>(static_cast<size_t>(net.x.shape()[0]), 1));
  const auto in_double = make_reference_backend(true),
             device = cudnn::make_cudnn_backend(cudnn::Precision::fp32, "");
  const auto exact = explain_together(*in_double, net.graph, methods, net.x, target),
             moved = explain_together(*in_double, net.graph, methods, nudged(net.x, 0), target),
             found = explain_together(*device, net.graph, methods, net.x, target, "signxai", run_twice);
  for (size_t m = 0; m < methods.size(); ++m) {
    INFO(name << ", " << methods[m]);
    // fp32 on both sides of a quotient; rules that split by sign subtract large parts. Small denominators
    // magnify rounding: by how much, the exact map of an input that is off by rounding says.
    const double tolerance = float_tolerance(methods[m]) > 1e-5 ? 1e-3 : 1e-4;
    CHECK(difference(found[m], exact[m]) < std::max(tolerance, 10 * difference(moved[m], exact[m])));
  }
}

}  // namespace

TEST_CASE("every method on the device gives what the double reference gives", "[gpu]") {
  if (!has_device()) {
    WARN("no CUDA device: skipped " << method_cases(NetKind::images).size() * nets().size()
                                    << " explanations");
    return;
  }
  for (const auto& [name, net] : nets()) compare(name, net);
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
