#pragma once

#include "backends/cudnn/device.h"

namespace onnxray::cudnn {

/// c[n] = a[n] b[n] for n < batch, all row-major and dense: a is [rows, inner], b [inner, columns], or their
/// transposes. A stride of 0 repeats one matrix.
struct GemmShape {
  int64_t rows = 0, columns = 0, inner = 0;
  bool transpose_a = false, transpose_b = false;
  int64_t batch = 1, a_stride = 0, b_stride = 0, c_stride = 0;  ///< in elements
  bool aligned = true;  ///< every launch gets addresses that are multiples of 16
};

/// A product prepared for cuBLASLt.
class Gemm {
 public:
  /// `row_bias`: c += bias[column]. Check usable() before the first launch.
  Gemm(Device& device, const GemmShape& shape, bool row_bias = false);
  bool usable() const { return usable_; }
  int64_t workspace_bytes() const { return workspace_; }
  void launch(const Launch& launch, const float* a, const float* b, float* c,
              const float* bias = nullptr) const;

 private:
  Device* device_;
  std::shared_ptr<cublasLtMatmulDescOpaque_t> operation_;
  std::shared_ptr<cublasLtMatrixLayoutOpaque_t> a_, b_, c_;
  cublasLtMatmulHeuristicResult_t choice_{};
  int64_t workspace_ = 0;
  bool usable_ = false;
};

}  // namespace onnxray::cudnn
