#include "backends/cudnn/backend.h"

#include "backends/cudnn/executable.h"
#include "core/fail.h"

namespace onnxray::cudnn {

namespace {

/// Some thirty milliseconds of a large device (docs/performance.md).
constexpr double kTripWork = 2e12;

class CudnnBackend final : public Backend {
 public:
  CudnnBackend(Precision precision, const std::string& tuner_cache)
      : device_(precision), tuner_(device_, tuner_cache) {}

  std::string_view name() const override { return "cudnn"; }
  std::string description() const override { return device_.description; }

  // Tensor cores read channels-last; plain float kernels are faster channels-first.
  PlanOptions plan_options() const override {
    return {.real_size = 4,
            .channels_last = device_.precision != Precision::fp32,
            .separate_bias = true,
            .trip_work = kTripWork};
  }

  std::unique_ptr<Executable> compile(const Plan& plan) override {
    return compile_for_device(plan, compiler_, weights_);
  }

 private:
  Device device_;
  Jit jit_{device_.architecture};
  Tuner tuner_;
  WeightStore weights_;
  Compiler compiler_{device_, jit_, tuner_};
};

}  // namespace

Precision parse_precision(const std::string& text) {
  if (text == "fp32") return Precision::fp32;
  if (text == "tf32") return Precision::tf32;
  if (text == "bf16") return Precision::bf16;
  fail(ErrorCode::usage, "the cudnn backend has no precision '{}'; the choices are fp32, tf32 and bf16",
       text);
}

std::unique_ptr<Backend> make_cudnn_backend(Precision precision, const std::string& tuner_cache) {
  return std::make_unique<CudnnBackend>(precision, tuner_cache);
}

}  // namespace onnxray::cudnn
