#include "backends/reference/kernels.h"
#include "backends/reference/reference.h"

namespace onnxray {

namespace {

template <class T>
class ReferenceCompiler final : public KernelCompiler {
 public:
  std::unique_ptr<Kernel> compile(const Primitive& primitive, std::span<const Operand> inputs,
                                  std::span<const Operand> outputs) override {
    const reference::Operands operands{{inputs.begin(), inputs.end()}, {outputs.begin(), outputs.end()}};
    return std::visit([&](const auto& p) { return reference::compile<T>(p, operands); }, primitive);
  }
};

template <class T>
class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::string description() const override {
    return sizeof(T) == 8 ? "reference, plain loops in double" : "reference, plain loops in float";
  }
  PlanOptions plan_options() const override {
    return {.real_size = sizeof(T), .channels_last = false, .least_mask = 1};
  }
  std::unique_ptr<Executable> compile(const Plan& plan) override {
    ReferenceCompiler<T> compiler;
    return compile_for_host(plan, compiler);
  }
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend(bool double_precision) {
  if (double_precision) return std::make_unique<ReferenceBackend<double>>();
  return std::make_unique<ReferenceBackend<float>>();
}

std::unique_ptr<KernelCompiler> make_reference_compiler_f32() {
  return std::make_unique<ReferenceCompiler<float>>();
}
std::unique_ptr<KernelCompiler> make_reference_compiler_f64() {
  return std::make_unique<ReferenceCompiler<double>>();
}

}  // namespace onnxray
