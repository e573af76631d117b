#include "backends/cudnn/jit.h"

#include <nvrtc.h>

#include <array>

#include "backends/cudnn/device.h"
#include "core/fail.h"

namespace onnxray::cudnn {

std::string compile_to_cubin(const std::string& text, const std::string& architecture) {
  nvrtcProgram program = nullptr;
  require(nvrtcCreateProgram(&program, text.c_str(), "chain.cu", 0, nullptr, nullptr) == NVRTC_SUCCESS,
          ErrorCode::failed, "cudnn backend: NVRTC did not start");
  const std::unique_ptr<nvrtcProgram, void (*)(nvrtcProgram*)> owner(
      &program, [](nvrtcProgram* p) { nvrtcDestroyProgram(p); });
  const std::string target = "--gpu-architecture=" + architecture;
  const std::array<const char*, 2> options{target.c_str(), "--std=c++17"};
  if (nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data()) != NVRTC_SUCCESS) {
    size_t size = 0;
    nvrtcGetProgramLogSize(program, &size);
    std::string log(size, '\0');
    nvrtcGetProgramLog(program, log.data());
    fail(ErrorCode::failed, "cudnn backend: NVRTC refused a generated kernel: {}", log);
  }
  size_t size = 0;
  nvrtcGetCUBINSize(program, &size);
  std::string code(size, '\0');
  nvrtcGetCUBIN(program, code.data());
  return code;
}

Jit::~Jit() {
  for (const auto& [text, library] : libraries_) cudaLibraryUnload(library);
}

cudaKernel_t Jit::kernel(const std::string& text) {
  auto [it, is_new] = libraries_.try_emplace(text);
  if (is_new) {
    try {
      const std::string code = compile_to_cubin(text, architecture_);
      check(cudaLibraryLoadData(&it->second, code.data(), nullptr, nullptr, 0, nullptr, nullptr, 0),
            "loading a generated kernel");
    } catch (...) {
      libraries_.erase(it);
      throw;
    }
  }
  cudaKernel_t kernel = nullptr;
  check(cudaLibraryGetKernel(&kernel, it->second, "chain"), "finding a generated kernel");
  return kernel;
}

}  // namespace onnxray::cudnn
