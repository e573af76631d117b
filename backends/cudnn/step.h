#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "core/primitive.h"

struct CUstream_st;

namespace onnxray::cudnn {

using Stream = CUstream_st*;
using Sources = std::span<const std::byte* const>;
using Targets = std::span<std::byte* const>;

/// What a launch may use besides its operands.
struct Launch {
  Stream stream = nullptr;
  std::byte* workspace = nullptr;  ///< of the step's workspace_bytes
  int* fault = nullptr;            ///< set to 1 by a kernel that meets an index outside its tensor
};

/// A compiled step of a program on the device. Addresses are the device's.
class DeviceStep {
 public:
  virtual ~DeviceStep() = default;
  virtual int64_t workspace_bytes() const { return 0; }
  /// The algorithm, for profiles.
  virtual std::string text() const { return {}; }
  /// Called once, when constants lie on the device and before the first launch: packs weights, times
  /// algorithms. May allocate, which launch may not. Outputs hold nothing of worth yet.
  virtual void prepare(Stream, Sources, Targets) {}
  /// Enqueues the work. Never waits, so that a stream can record it.
  virtual void launch(const Launch& launch, Sources in, Targets out) = 0;
};

/// The operands of a step as they are known when it is compiled.
struct Operands {
  std::span<const Operand> in, out;
  /// The result may be a denominator (denominators.h): its error must be relative to what was added up for
  /// it.
  bool exact = true;
};

/// A step that keeps nothing but the function that enqueues it.
template <class F>
class FunctionStep final : public DeviceStep {
 public:
  FunctionStep(F f, int64_t workspace) : f_(std::move(f)), workspace_(workspace) {}
  int64_t workspace_bytes() const override { return workspace_; }
  void launch(const Launch& launch, Sources in, Targets out) override { f_(launch, in, out); }

 private:
  F f_;
  int64_t workspace_;
};

template <std::invocable<const Launch&, Sources, Targets> F>
std::unique_ptr<DeviceStep> make_step(F f, int64_t workspace = 0) {
  return std::make_unique<FunctionStep<F>>(std::move(f), workspace);
}

/// The step as kernels of our own run it, without cuDNN, cuBLAS or NVRTC. Null where there is none for these
/// operands: the step then runs on the CPU.
std::unique_ptr<DeviceStep> compile_own_kernel(const Primitive& primitive, const Operands& o);

/// Bytes that a kernel reads besides its operands, held on the device.
std::shared_ptr<const std::byte> upload(const void* data, size_t bytes);
template <class T>
std::shared_ptr<const T> upload(const std::vector<T>& values) {
  return std::reinterpret_pointer_cast<const T>(upload(values.data(), values.size() * sizeof(T)));
}

}  // namespace onnxray::cudnn
