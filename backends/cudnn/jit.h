#pragma once

#include <cuda_runtime.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace onnxray::cudnn {

/// Compiles CUDA C++ at run time with NVRTC, each text once.
class Jit {
 public:
  /// `architecture`: "sm_90".
  explicit Jit(std::string architecture) : architecture_(std::move(architecture)) {}
  ~Jit();
  Jit(const Jit&) = delete;
  Jit& operator=(const Jit&) = delete;
  /// The kernel `chain` of `text`. Throws Error(failed) with the compiler's log.
  cudaKernel_t kernel(const std::string& text);

 private:
  std::string architecture_;
  std::map<std::string, cudaLibrary_t> libraries_;  // by text
};

/// The machine code of `text` for `architecture` ("sm_90"). Needs no device.
std::string compile_to_cubin(const std::string& text, const std::string& architecture);

}  // namespace onnxray::cudnn
