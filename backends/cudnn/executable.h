#pragma once

#include "backends/cudnn/compile.h"
#include "backends/cudnn/weight_store.h"
#include "core/backend.h"

namespace onnxray::cudnn {

/// How a plan is compiled for the device.
struct ExecutableOptions {
  bool record = true;  ///< replay CUDA graphs instead of launching step by step
};

/// Compiles `plan`, with real_size 4. `compiler` and `weights` outlive the result.
std::unique_ptr<Executable> compile_for_device(const Plan& plan, Compiler& compiler, WeightStore& weights,
                                               const ExecutableOptions& options = {});

}  // namespace onnxray::cudnn
