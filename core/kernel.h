#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/backend.h"

namespace onnxray {

/// One operand of a step as a CPU kernel sees it when it is compiled.
struct Operand {
  Shape shape;
  Strides strides;  ///< in elements
  DType dtype = DType::f32;
  const std::byte* constant =
      nullptr;  ///< the elements in the backend's storage where they are known, else null; they stay where
                ///< they are as long as the compiler and its kernels live
  bool bits = false;  ///< one bit per element, the lowest of a byte first; of elementwise steps alone, whose
                      ///< results then all lie as it does
};

inline bool is_channels_last(const Operand& o) {
  return same_layout(o.shape, o.strides, channels_last_strides(o.shape));
}

/// A compiled step. `in` and `out` hold the address of element 0 of each operand, constants included.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) = 0;
};

/// Compiles single steps for backends that run in host memory.
class KernelCompiler {
 public:
  virtual ~KernelCompiler() = default;
  /// Strides are arbitrary unless the plan's options promise otherwise. Never null.
  virtual std::unique_ptr<Kernel> compile(const Primitive& primitive, std::span<const Operand> inputs,
                                          std::span<const Operand> outputs) = 0;
  /// `primitive`, then `epilogue` on its result, as one kernel. Null where that is no gain. Input 0 of the
  /// epilogue is the primitive's first result; input 1, if it reads one, lies where `outputs` lie before the
  /// kernel runs.
  virtual std::unique_ptr<Kernel> compile_with_epilogue(const Primitive& primitive,
                                                        const Expression& epilogue,
                                                        std::span<const Operand> inputs,
                                                        std::span<const Operand> outputs);
};

/// An Executable that runs kernels one after another over one arena. `compiler` is used only here.
std::unique_ptr<Executable> compile_for_host(const Plan& plan, KernelCompiler& compiler);

}  // namespace onnxray
