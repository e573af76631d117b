#include <algorithm>
#include <memory>

#include "backends/onednn/kernels.h"
#include "backends/onednn/row_loops.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// y[.., o, ..] = sum over k of weight[k] * x[.., index[k], ..].
class AxisMapKernel final : public Kernel {
 public:
  AxisMapKernel(const AxisMap& p, const Operand& x, const Operand& y) : table_(p.table) {
    const auto axis = static_cast<size_t>(p.axis);
    const auto at = static_cast<int64_t>(axis);
    Shape shape = y.shape;
    Strides strides_x = x.strides, strides_y = y.strides;
    step_x_ = strides_x[axis];
    step_y_ = strides_y[axis];
    shape.erase(shape.begin() + at);
    strides_x.erase(strides_x.begin() + at);
    strides_y.erase(strides_y.begin() + at);
    nest_ = collapse(shape, {strides_y, strides_x});
    has_rows_ = nest_.strides[0].back() == 1 && nest_.strides[1].back() == 1;
    for (const double w : table_->weight) weight_.push_back(static_cast<float>(w));
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* x = reinterpret_cast<const float*>(in[0]);
    auto* y = reinterpret_cast<float*>(out[0]);
    const int64_t work = nest_.trips() * table_->out * 2;
    if (has_rows_) {
      const int64_t outer = nest_.trips() / nest_.extents.back();
      in_parallel(outer * table_->out, work, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) map_row(x, y, i / table_->out, i % table_->out);
      });
      return;
    }
    in_parallel(nest_.trips(), work, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) map_line(x, y, i);
    });
  }

 private:
  /// Neighbours along another axis, all at once.
  void map_row(const float* x, float* y, int64_t outer, int64_t o) const {
    const size_t depth = nest_.depth() - 1;
    const float* from = x + offset_of(outer, nest_.extents, nest_.strides[1], depth);
    float* to = y + offset_of(outer, nest_.extents, nest_.strides[0], depth) + o * step_y_;
    const int64_t n = nest_.extents.back(), begin = table_->offsets[at(o)], end = table_->offsets[at(o + 1)];
    if (begin == end) std::fill_n(to, n, 0.0f);
    for (int64_t k = begin; k < end; ++k) {
      const float* row = from + table_->index[at(k)] * step_x_;
      if (k == begin)
        scale_row(to, row, weight_[at(k)], n);
      else
        add_scaled_row(to, row, weight_[at(k)], n);
    }
  }

  /// One line along the mapped axis.
  void map_line(const float* x, float* y, int64_t line) const {
    const float* from = x + offset_of(line, nest_.extents, nest_.strides[1], nest_.depth());
    float* to = y + offset_of(line, nest_.extents, nest_.strides[0], nest_.depth());
    for (int64_t o = 0; o < table_->out; ++o) {
      float sum = 0;
      for (int64_t k = table_->offsets[at(o)]; k < table_->offsets[at(o + 1)]; ++k) {
        sum += weight_[at(k)] * from[table_->index[at(k)] * step_x_];
      }
      to[o * step_y_] = sum;
    }
  }

  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  std::shared_ptr<const AxisTable> table_;
  std::vector<float> weight_;
  int64_t step_x_ = 0, step_y_ = 0;
  LoopNest nest_;
  bool has_rows_ = false;
};

}  // namespace

std::unique_ptr<Kernel> compile_axis_map(const AxisMap& p, Operands in, Operands out) {
  if (storage_of(in[0].dtype) != Storage::real) return nullptr;
  return std::make_unique<AxisMapKernel>(p, in[0], out[0]);
}

}  // namespace onnxray::onednn
