#include "backends/cudnn/device.h"

#include "core/fail.h"

namespace onnxray::cudnn {

void check(cudaError_t status, std::string_view doing) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // a later call must not find this error again
  fail(ErrorCode::failed, "cudnn backend: {}: {}; try --backend onednn", doing, cudaGetErrorString(status));
}

void check(cudnnStatus_t status, std::string_view doing) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  fail(ErrorCode::failed, "cudnn backend: {}: {}; try --backend onednn", doing, cudnnGetErrorString(status));
}

void check(cublasStatus_t status, std::string_view doing) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail(ErrorCode::failed, "cudnn backend: {}: {}; try --backend onednn", doing,
       cublasLtGetStatusString(status));
}

std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::fp32: return "fp32";
    case Precision::tf32: return "tf32";
    case Precision::bf16: return "bf16";
  }
  return "fp32";
}

void check_launch() { check(cudaGetLastError(), "launching a kernel"); }

Memory::Memory(int64_t bytes, Place place, std::string_view purpose) : size_(bytes) {
  if (bytes == 0) return;
  void* data = nullptr;
  const auto size = static_cast<size_t>(bytes);
  const cudaError_t status = place == Place::device ? cudaMalloc(&data, size) : cudaMallocHost(&data, size);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    fail(ErrorCode::failed,
         "cudnn backend: {} needs {:.2f} GiB, and {:.2f} of the device's {:.2f} GiB are free; use a smaller "
         "batch",
         purpose, static_cast<double>(bytes) / 0x1p30, static_cast<double>(free) / 0x1p30,
         static_cast<double>(total) / 0x1p30);
  }
  check(status, purpose);
  data_ =
      place == Place::device
          ? std::shared_ptr<std::byte>(static_cast<std::byte*>(data), [](std::byte* p) { cudaFree(p); })
          : std::shared_ptr<std::byte>(static_cast<std::byte*>(data), [](std::byte* p) { cudaFreeHost(p); });
}

std::shared_ptr<const std::byte> upload(const void* data, size_t bytes) {
  const Memory memory(static_cast<int64_t>(bytes), Memory::Place::device, "a table");
  if (bytes > 0) check(cudaMemcpy(memory.data(), data, bytes, cudaMemcpyHostToDevice), "copying a table");
  return {memory.data(), [memory](const std::byte*) {}};
}

Device::Device(Precision precision_) : precision(precision_) {
  int count = 0;
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found != cudaSuccess || count == 0) {
    cudaGetLastError();
    fail(ErrorCode::failed, "the cudnn backend found no device: {}",
         found == cudaSuccess ? "none is installed" : cudaGetErrorString(found));
  }
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "asking for the device's properties");
  name = properties.name;
  architecture = fmt::format("sm_{}{}", properties.major, properties.minor);
  require(properties.major >= 8, ErrorCode::failed,
          "the cudnn backend needs a device of compute capability 8.0 or newer; {} has {}.{}", name,
          properties.major, properties.minor);
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  check(cudnnCreate(&cudnn), "starting cuDNN");
  check(cudnnSetStream(cudnn, stream), "starting cuDNN");
  check(cublasLtCreate(&blas), "starting cuBLASLt");
  const size_t version = cudnnGetVersion();
  description =
      fmt::format("cuDNN {}.{}.{}, CUDA {}.{} (driver for {}.{}), {}, {:.0f} GiB", version / 10000,
                  version / 100 % 100, version % 100, runtime / 1000, runtime / 10 % 100, driver / 1000,
                  driver / 10 % 100, name, static_cast<double>(properties.totalGlobalMem) / 0x1p30);
}

Device::~Device() {
  cublasLtDestroy(blas);
  cudnnDestroy(cudnn);
  cudaStreamDestroy(stream);
}

}  // namespace onnxray::cudnn
