#pragma once

#include <memory>

#include "core/backend.h"
#include "core/kernel.h"

namespace onnxray {

/// Plain loops in float or double: the oracle that other backends are compared with.
std::unique_ptr<Backend> make_reference_backend(bool double_precision);

/// The kernels of the reference backend alone, for every primitive and any strides; other backends fall back
/// on them.
std::unique_ptr<KernelCompiler> make_reference_compiler_f32();
std::unique_ptr<KernelCompiler> make_reference_compiler_f64();

}  // namespace onnxray
