#pragma once

#include <exception>

#include "backends/cudnn/device.h"

namespace onnxray::cudnn {

/// A step that the device has no kernel for: operands are copied to the host, computed by the reference
/// kernel and copied back, all in the stream's order.
class HostStep final : public DeviceStep {
 public:
  HostStep(std::unique_ptr<Kernel> kernel, const Operands& o);
  void launch(const Launch& launch, Sources in, Targets out) override;
  /// Throws what the kernel threw during the last run.
  void rethrow();

 private:
  static void run(void* self);

  std::unique_ptr<Kernel> kernel_;
  std::vector<Memory> in_, out_;  // pinned
  std::exception_ptr error_;
};

}  // namespace onnxray::cudnn
