#include "backends/cudnn/host_step.h"

namespace onnxray::cudnn {

namespace {

Memory staging(const Operand& x) {
  int64_t last = 0;
  for (size_t a = 0; a < x.shape.size(); ++a) last += (x.shape[a] - 1) * x.strides[a];
  const int64_t size = storage_of(x.dtype) == Storage::real    ? 4
                       : storage_of(x.dtype) == Storage::int64 ? 8
                                                               : 1;
  const int64_t bytes = element_count(x.shape) == 0 ? 0 : (last + 1) * size;
  return {bytes, Memory::Place::pinned, "copies between device and host"};
}

}  // namespace

HostStep::HostStep(std::unique_ptr<Kernel> kernel, const Operands& o) : kernel_(std::move(kernel)) {
  for (const Operand& x : o.in) in_.push_back(staging(x));
  for (const Operand& y : o.out) out_.push_back(staging(y));
}

void HostStep::launch(const Launch& l, Sources in, Targets out) {
  for (size_t i = 0; i < in.size(); ++i) {
    check(cudaMemcpyAsync(in_[i].data(), in[i], static_cast<size_t>(in_[i].size()), cudaMemcpyDeviceToHost,
                          l.stream),
          "copying to the host");
  }
  check(cudaLaunchHostFunc(l.stream, run, this), "running a step on the CPU");
  for (size_t i = 0; i < out.size(); ++i) {
    check(cudaMemcpyAsync(out[i], out_[i].data(), static_cast<size_t>(out_[i].size()), cudaMemcpyHostToDevice,
                          l.stream),
          "copying from the host");
  }
}

void HostStep::run(void* self) {
  auto& step = *static_cast<HostStep*>(self);
  std::vector<const std::byte*> in;
  std::vector<std::byte*> out;
  for (const Memory& m : step.in_) in.push_back(m.data());
  for (const Memory& m : step.out_) out.push_back(m.data());
  try {
    step.kernel_->run(in, out);
  } catch (...) {
    step.error_ = std::current_exception();  // the driver's thread may not throw
  }
}

void HostStep::rethrow() {
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace onnxray::cudnn
