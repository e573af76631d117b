#include "backends/onednn/matvec.h"

#include <algorithm>
#include <memory>

#include "backends/onednn/product_loops.h"
#include "backends/onednn/row_loops.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// A block of b is small enough to stay in a core's cache while every form of it meets its rows of a.
class MatVec final : public Kernel {
 public:
  MatVec(std::vector<FewRows> products, const Matrix& b, bool has_bias)
      : products_(std::move(products)), b_(b), has_bias_(has_bias) {
    for (size_t i = 0; i < products_.size(); ++i) {
      const WeightForm& form = products_[i].form;
      if (std::ranges::find(groups_, form, &Group::form) == groups_.end()) add_group(form);
    }
    dense_a_.resize(static_cast<size_t>(rows() * b.rows));
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const size_t count = products_.size();
    const auto* b = reinterpret_cast<const float*>(in[count]);
    const auto* bias = has_bias_ ? reinterpret_cast<const float*>(in[count + 1]) : nullptr;
    for (int64_t i = 0; i < rows(); ++i) {
      const Row& row = rows_[static_cast<size_t>(i)];
      const Matrix& m = products_[row.product].a;
      const float* a = reinterpret_cast<const float*>(in[row.product]) + row.number * m.row_stride;
      for (int64_t k = 0; k < b_.rows; ++k)
        dense_a_[static_cast<size_t>(i * b_.rows + k)] = a[k * m.column_stride];
    }
    in_parallel(b_.columns, b_.rows * b_.columns, [&](int64_t first, int64_t last) {
      if (b_.row_stride == 1)
        multiply_columns(b, bias, out, first, last);
      else
        multiply_rows(b, bias, out, first, last);
    });
  }

 private:
  /// A row of some a; those under one form lie together.
  struct Row {
    size_t product;
    int64_t number;
  };
  struct Group {
    WeightForm form;
    int64_t first, count;
  };

  void add_group(const WeightForm& form) {
    Group group{form, rows(), 0};
    for (size_t i = 0; i < products_.size(); ++i) {
      if (products_[i].form != form) continue;
      for (int64_t r = 0; r < products_[i].a.rows; ++r) rows_.push_back({i, r});
    }
    group.count = rows() - group.first;
    groups_.push_back(group);
  }

  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }
  const float* row_of_a(int64_t i) const { return dense_a_.data() + i * b_.rows; }

  /// y[i,j..] = sums of n neighbours, plus the bias.
  template <class T>
  void store(std::span<std::byte* const> out, const float* bias, int64_t i, int64_t j, const T* sums,
             int64_t n) const {
    const Row& row = rows_[static_cast<size_t>(i)];
    const Matrix& m = products_[row.product].y;
    float* y = reinterpret_cast<float*>(out[row.product]) + row.number * m.row_stride + j * m.column_stride;
    for (int64_t c = 0; c < n; ++c)
      y[c * m.column_stride] = static_cast<float>(sums[c]) + (bias ? bias[j + c] : 0.0f);
  }

  /// b's columns are contiguous: an inner product each.
  void multiply_columns(const float* b, const float* bias, std::span<std::byte* const> out, int64_t first,
                        int64_t last) const {
    constexpr int64_t kBlock = 4096;  // of a column
    const auto sums = std::make_unique_for_overwrite<double[]>(static_cast<size_t>(rows() * kTile));
    for (int64_t j = first; j < last; j += kTile) {
      const int64_t columns = std::min(kTile, last - j);
      std::fill_n(sums.get(), rows() * kTile, 0.0);
      for (int64_t k = 0; k < b_.rows; k += kBlock) {
        for (const Group& group : groups_) {
          add_inner_products(sums.get() + group.first * kTile, row_of_a(group.first) + k, group.count,
                             b_.rows, b + j * b_.column_stride + k, columns, b_.column_stride,
                             std::min(kBlock, b_.rows - k), group.form);
        }
      }
      for (int64_t i = 0; i < rows(); ++i) store(out, bias, i, j, sums.get() + i * kTile, columns);
    }
  }

  /// b's rows are contiguous: y gathers multiples of them, in sums of limited length for precision.
  void multiply_rows(const float* b, const float* bias, std::span<std::byte* const> out, int64_t first,
                     int64_t last) const {
    constexpr int64_t kColumns = 8192, kShortSum = 512;
    const int64_t width = std::min(kColumns, last - first);
    const auto memory = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(2 * rows() * width));
    float *total = memory.get(), *part = total + rows() * width;
    for (int64_t j = first; j < last; j += width) {
      const int64_t n = std::min(width, last - j);
      std::fill_n(total, rows() * n, 0.0f);
      for (int64_t k = 0; k < b_.rows; k += kShortSum) {
        std::fill_n(part, rows() * n, 0.0f);
        add_short_sums(part, b + j, k, std::min(k + kShortSum, b_.rows), n);
        add_scaled_row(total, part, 1.0f, rows() * n);
      }
      for (int64_t i = 0; i < rows(); ++i) store(out, bias, i, j, total + i * n, n);
    }
  }

  /// part[i,j] += sum over k from `first` to `last` of a[i,k] form_i(b[k,j]), for j < n
  void add_short_sums(float* part, const float* b, int64_t first, int64_t last, int64_t n) const {
    constexpr int64_t kBlock = 512;  // of a row
    for (int64_t k = first; k < last; k += kTile) {
      for (int64_t j = 0; j < n; j += kBlock) {
        for (const Group& group : groups_) {
          add_products(part + group.first * n + j, n, row_of_a(group.first) + k, group.count, b_.rows,
                       b + k * b_.row_stride + j, b_.row_stride, std::min(kTile, last - k),
                       std::min(kBlock, n - j), group.form);
        }
      }
    }
  }

  std::vector<FewRows> products_;
  Matrix b_;
  bool has_bias_;
  std::vector<Row> rows_;
  std::vector<Group> groups_;
  std::vector<float> dense_a_;
};

}  // namespace

std::unique_ptr<Kernel> make_matvec(std::vector<FewRows> products, const Matrix& b, bool has_bias) {
  return std::make_unique<MatVec>(std::move(products), b, has_bias);
}

}  // namespace onnxray::onednn
