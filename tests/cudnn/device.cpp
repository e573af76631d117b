#include "tests/cudnn/device.h"

#include "backends/reference/reference.h"
#include "core/error.h"

namespace onnxray::test {

namespace {

int64_t span_bytes(const Operand& x) {
  int64_t last = 0;
  for (size_t a = 0; a < x.shape.size(); ++a) {
    if (x.shape[a] == 0) return 0;
    last += (x.shape[a] - 1) * x.strides[a];
  }
  return (last + 1) * (storage_of(x.dtype) == Storage::real    ? 4
                       : storage_of(x.dtype) == Storage::int64 ? 8
                                                               : 1);
}

class StagedKernel final : public Kernel {
 public:
  StagedKernel(DeviceCompiler& device, std::unique_ptr<cudnn::DeviceStep> step, std::span<const Operand> in,
               std::span<const Operand> out)
      : device_(device), step_(std::move(step)), fault_(sizeof(int), cudnn::Memory::Place::pinned, "a flag") {
    for (const Operand& x : in) in_.emplace_back(span_bytes(x), cudnn::Memory::Place::device, "an operand");
    for (const Operand& y : out) out_.emplace_back(span_bytes(y), cudnn::Memory::Place::device, "an operand");
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    std::vector<const std::byte*> from;
    std::vector<std::byte*> to;
    for (size_t i = 0; i < in_.size(); ++i) {
      copy(in_[i].data(), in[i], in_[i].size(), cudaMemcpyHostToDevice);
      from.push_back(in_[i].data());
    }
    for (size_t i = 0; i < out_.size(); ++i) {
      copy(out_[i].data(), out[i], out_[i].size(),
           cudaMemcpyHostToDevice);  // what is not written stays visible
      to.push_back(out_[i].data());
    }
    step_->prepare(device_.device.stream, from, to);
    const cudnn::Memory workspace(step_->workspace_bytes(), cudnn::Memory::Place::device, "scratch");
    int& fault = *reinterpret_cast<int*>(fault_.data());
    fault = 0;
    step_->launch({device_.device.stream, workspace.data(), &fault}, from, to);
    cudnn::check(cudaStreamSynchronize(device_.device.stream), "running a step");
    for (size_t i = 0; i < out_.size(); ++i)
      copy(out[i], out_[i].data(), out_[i].size(), cudaMemcpyDeviceToHost);
    if (fault != 0) throw Error(ErrorCode::failed, "an index outside");
  }

 private:
  static void copy(void* to, const void* from, int64_t bytes, cudaMemcpyKind kind) {
    if (bytes > 0) cudnn::check(cudaMemcpy(to, from, static_cast<size_t>(bytes), kind), "copying");
  }

  DeviceCompiler& device_;
  std::unique_ptr<cudnn::DeviceStep> step_;
  cudnn::Memory fault_;
  std::vector<cudnn::Memory> in_, out_;
};

}  // namespace

std::unique_ptr<Kernel> StagedCompiler::compile(const Primitive& primitive, std::span<const Operand> in,
                                                std::span<const Operand> out) {
  auto step = device_.compiler.compile(primitive, {in, out, exact});
  if (step) return std::make_unique<StagedKernel>(device_, std::move(step), in, out);
  ++on_cpu;
  return make_reference_compiler_f32()->compile(primitive, in, out);
}

}  // namespace onnxray::test
