#pragma once

#include <map>

#include "backends/cudnn/device.h"
#include "core/tensor.h"

namespace onnxray::cudnn {

/// Constants on the device, uploaded once for all plans that hold the same tensor.
class WeightStore {
 public:
  /// The elements of `t` on the device, for as long as the result lives. Ready when the call returns.
  std::shared_ptr<const std::byte> hold(const Tensor& t);

 private:
  struct Held {
    Tensor tensor;  // keeps the address unique
    Memory memory;
  };
  std::map<std::pair<const std::byte*, int64_t>, std::weak_ptr<const Held>> held_;  // by address and size
};

}  // namespace onnxray::cudnn
