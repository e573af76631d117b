#include "backends/onednn/matvec.h"

#include <algorithm>
#include <memory>

#include "backends/onednn/row_loops.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

class MatVec final : public Kernel {
 public:
  MatVec(const Matrix& a, const Matrix& b, const Matrix& y, bool has_bias)
      : a_(a), b_(b), y_(y), has_bias_(has_bias) {
    dense_a_.resize(static_cast<size_t>(a.rows * a.columns));
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* a = reinterpret_cast<const float*>(in[0]);
    const auto* b = reinterpret_cast<const float*>(in[1]);
    const auto* bias = has_bias_ ? reinterpret_cast<const float*>(in[2]) : nullptr;
    auto* y = reinterpret_cast<float*>(out[0]);
    for (int64_t i = 0; i < a_.rows; ++i) {
      for (int64_t k = 0; k < a_.columns; ++k) {
        dense_a_[static_cast<size_t>(i * a_.columns + k)] = a[i * a_.row_stride + k * a_.column_stride];
      }
    }
    in_parallel(b_.columns, b_.rows * b_.columns, [&](int64_t first, int64_t last) {
      if (b_.row_stride == 1)
        multiply_columns(b, bias, y, first, last);
      else
        multiply_rows(b, bias, y, first, last);
    });
  }

 private:
  float start(const float* bias, int64_t j) const { return bias ? bias[j] : 0.0f; }

  /// b's columns are contiguous: an inner product each.
  void multiply_columns(const float* b, const float* bias, float* y, int64_t first, int64_t last) const {
    constexpr int64_t kBlock = 4096;  // of a column, for all rows of a while it is in the cache
    for (int64_t j = first; j < last; j += kTile) {
      const int64_t columns = std::min(kTile, last - j);
      double sum[kFewRows * kTile] = {};
      for (int64_t k = 0; k < b_.rows; k += kBlock) {
        add_inner_products(sum, dense_a_.data() + k, a_.rows, a_.columns, b + j * b_.column_stride + k,
                           columns, b_.column_stride, std::min(kBlock, b_.rows - k));
      }
      for (int64_t i = 0; i < a_.rows; ++i) {
        for (int64_t c = 0; c < columns; ++c) {
          y[i * y_.row_stride + (j + c) * y_.column_stride] =
              static_cast<float>(sum[i * kTile + c]) + start(bias, j + c);
        }
      }
    }
  }

  /// b's rows are contiguous: y gathers multiples of them, in sums of limited length for precision.
  void multiply_rows(const float* b, const float* bias, float* y, int64_t first, int64_t last) const {
    constexpr int64_t kColumns = 512, kShortSum = 512;
    const auto memory = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(2 * kFewRows * kColumns));
    float *total = memory.get(), *part = total + kFewRows * kColumns;
    for (int64_t j = first; j < last; j += kColumns) {
      const int64_t n = std::min(kColumns, last - j);
      std::fill_n(total, a_.rows * n, 0.0f);
      for (int64_t k = 0; k < b_.rows; k += kShortSum) {
        const int64_t count = std::min(kShortSum, b_.rows - k);
        std::fill_n(part, a_.rows * n, 0.0f);
        add_products(part, dense_a_.data() + k, a_.rows, a_.columns, b + k * b_.row_stride + j, b_.row_stride,
                     count, n);
        add_scaled_row(total, part, 1.0f, a_.rows * n);
      }
      for (int64_t i = 0; i < a_.rows; ++i) {
        float* to = y + i * y_.row_stride + j * y_.column_stride;
        for (int64_t c = 0; c < n; ++c) to[c * y_.column_stride] = total[i * n + c] + start(bias, j + c);
      }
    }
  }

  Matrix a_, b_, y_;
  bool has_bias_;
  std::vector<float> dense_a_;
};

}  // namespace

std::unique_ptr<Kernel> make_matvec(const Matrix& a, const Matrix& b, const Matrix& y, bool has_bias) {
  return std::make_unique<MatVec>(a, b, y, has_bias);
}

}  // namespace onnxray::onednn
