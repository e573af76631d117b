#include "backends/cudnn/gemm.h"

#include <limits>

namespace onnxray::cudnn {

namespace {

constexpr int64_t kMostWorkspace = int64_t{32} << 20;  // what NVIDIA advises for Hopper

template <class T>
void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute, T value) {
  check(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof value), "describing a product");
}

/// A row-major [rows, columns] matrix, which cuBLAS reads as a column-major [columns, rows].
std::shared_ptr<cublasLtMatrixLayoutOpaque_t> layout(int64_t rows, int64_t columns, int64_t batch,
                                                     int64_t stride) {
  cublasLtMatrixLayout_t made = nullptr;
  check(cublasLtMatrixLayoutCreate(&made, CUDA_R_32F, static_cast<uint64_t>(columns),
                                   static_cast<uint64_t>(rows), columns),
        "describing a matrix");
  std::shared_ptr<cublasLtMatrixLayoutOpaque_t> result(made, cublasLtMatrixLayoutDestroy);
  const auto count = static_cast<int32_t>(batch);
  check(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
        "describing a matrix");
  check(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride,
                                         sizeof stride),
        "describing a matrix");
  return result;
}

cublasComputeType_t compute_type(Precision precision) {
  switch (precision) {
    case Precision::fp32: return CUBLAS_COMPUTE_32F;
    case Precision::tf32: return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Precision::bf16: return CUBLAS_COMPUTE_32F_FAST_16BF;
  }
  return CUBLAS_COMPUTE_32F;
}

}  // namespace

// cuBLAS is column-major, so that c^T = b^T a^T is computed: its A is our b, its B our a.
Gemm::Gemm(Device& device, const GemmShape& s, bool row_bias) : device_(&device) {
  if (s.rows == 0 || s.columns == 0 || s.inner == 0 || s.batch > std::numeric_limits<int32_t>::max()) return;
  cublasLtMatmulDesc_t operation = nullptr;
  check(cublasLtMatmulDescCreate(&operation, compute_type(device.precision), CUDA_R_32F),
        "describing a product");
  operation_ = {operation, cublasLtMatmulDescDestroy};
  set(operation, CUBLASLT_MATMUL_DESC_TRANSA, s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(operation, CUBLASLT_MATMUL_DESC_TRANSB, s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  if (row_bias) set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  a_ = s.transpose_a ? layout(s.inner, s.rows, s.batch, s.a_stride)
                     : layout(s.rows, s.inner, s.batch, s.a_stride);
  b_ = s.transpose_b ? layout(s.columns, s.inner, s.batch, s.b_stride)
                     : layout(s.inner, s.columns, s.batch, s.b_stride);
  c_ = layout(s.rows, s.columns, s.batch, s.c_stride);
  cublasLtMatmulPreference_t preference = nullptr;
  check(cublasLtMatmulPreferenceCreate(&preference), "choosing a product's algorithm");
  const std::shared_ptr<cublasLtMatmulPreferenceOpaque_t> owner(preference, cublasLtMatmulPreferenceDestroy);
  const auto most = static_cast<uint64_t>(kMostWorkspace);
  check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most,
                                             sizeof most),
        "choosing a product's algorithm");
  for (const auto attribute :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    const uint32_t alignment = s.aligned ? 16 : 4;
    check(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &alignment, sizeof alignment),
          "choosing a product's algorithm");
  }
  int found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      device.blas, operation, b_.get(), a_.get(), c_.get(), c_.get(), preference, 1, &choice_, &found);
  usable_ = status == CUBLAS_STATUS_SUCCESS && found > 0;
  workspace_ = usable_ ? static_cast<int64_t>(choice_.workspaceSize) : 0;
}

void Gemm::launch(const Launch& l, const float* a, const float* b, float* c, const float* bias) const {
  if (bias != nullptr) set(operation_.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  const float one = 1, zero = 0;
  check(cublasLtMatmul(device_->blas, operation_.get(), &one, b, b_.get(), a, a_.get(), &zero, c, c_.get(), c,
                       c_.get(), &choice_.algo, l.workspace, static_cast<size_t>(workspace_), l.stream),
        "a product");
}

}  // namespace onnxray::cudnn
