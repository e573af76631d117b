#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/plan.h"
#include "core/step_time.h"

namespace onnxray {

/// A compiled plan. One thread at a time.
class Executable {
 public:
  virtual ~Executable() = default;
  /// Runs the program. `inputs` match Program::inputs in number, shape and storage class (any dtype of that
  /// class is converted); results match Program::outputs, reals as f32 or f64 by the backend's precision.
  /// `progress(done, total)` is called after each trip of a loop.
  virtual std::vector<Tensor> run(std::span<const Tensor> inputs,
                                  const std::function<void(int64_t, int64_t)>& progress = {}) = 0;
  /// Times the program's steps one by one, a loop's steps in its first trip: the least of a few runs. Empty
  /// where a backend does not measure.
  virtual StepTimes profile(std::span<const Tensor> /*inputs*/) { return {}; }
  /// How long the last run took on the device alone, without copies to and from the host; 0 where that means
  /// nothing.
  virtual double device_milliseconds() const { return 0; }
  /// What people should know about how the plan runs: steps that a device leaves to the CPU.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// Runs plans on some hardware.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  /// "oneDNN 2.6.3, 2 threads, avx512": for --version and reports.
  virtual std::string description() const = 0;
  virtual PlanOptions plan_options() const = 0;
  virtual std::unique_ptr<Executable> compile(const Plan& plan) = 0;
};

}  // namespace onnxray
