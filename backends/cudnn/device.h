#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "backends/cudnn/step.h"

namespace onnxray::cudnn {

// Each throws Error(failed) that names what was being done.
void check(cudaError_t status, std::string_view doing);
void check(cudnnStatus_t status, std::string_view doing);
void check(cublasStatus_t status, std::string_view doing);

/// Memory of the device, or pinned memory of the host. Contents are undefined.
class Memory {
 public:
  enum class Place : uint8_t { device, pinned };
  Memory() = default;
  /// Throws Error(failed) with the sizes where there is not enough.
  Memory(int64_t bytes, Place place, std::string_view purpose);
  std::byte* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  /// Whether a copy of this object lives elsewhere.
  bool is_shared() const { return data_.use_count() > 1; }

 private:
  std::shared_ptr<std::byte> data_;
  int64_t size_ = 0;
};

/// How reals are multiplied: fp32 exactly as float; tf32 rounds factors to 10 bits of mantissa; bf16 to 7.
enum class Precision : uint8_t { fp32, tf32, bf16 };
std::string_view name_of(Precision precision);

/// What the steps of one backend share. One thread at a time.
class Device {
 public:
  /// Throws Error(failed) in one line where there is no usable device.
  explicit Device(Precision precision);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Precision precision;
  Stream stream = nullptr;
  cudnnHandle_t cudnn = nullptr;
  cublasLtHandle_t blas = nullptr;
  std::string architecture;  ///< "sm_90"
  std::string name;          ///< "NVIDIA H100 80GB HBM3"
  std::string description;   ///< with the versions of driver and libraries
};

}  // namespace onnxray::cudnn
