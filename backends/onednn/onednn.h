#pragma once

#include <memory>

#include "core/backend.h"
#include "core/kernel.h"

namespace onnxray {

/// The CPU backend: float, channels-last, oneDNN for the products, own kernels for the rest.
/// `threads` of 0 leaves the number to OpenMP.
std::unique_ptr<Backend> make_onednn_backend(int threads = 0);

namespace onednn {
struct NanWatch;  // nan_watch.h
}

/// Its kernels one by one. What has no kernel of its own here is the reference backend's, in float. Without a
/// watch no kernel is one that may lose a NaN.
std::unique_ptr<KernelCompiler> make_onednn_compiler(std::shared_ptr<onednn::NanWatch> watch = nullptr);

}  // namespace onnxray
