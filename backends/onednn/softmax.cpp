#include <memory>

#include "backends/onednn/kernels.h"
#include "backends/onednn/row_loops.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(const Softmax& p, const Operand& x, const Operand& y) : logarithm_(p.logarithm) {
    const auto axis =
        static_cast<size_t>(p.axis < 0 ? p.axis + static_cast<int64_t>(x.shape.size()) : p.axis);
    const auto at = static_cast<int64_t>(axis);
    Shape shape = x.shape;
    Strides strides_x = x.strides, strides_y = y.strides;
    extent_ = shape[axis];
    step_x_ = strides_x[axis];
    step_y_ = strides_y[axis];
    shape.erase(shape.begin() + at);
    strides_x.erase(strides_x.begin() + at);
    strides_y.erase(strides_y.begin() + at);
    rows_ = collapse(shape, {strides_y, strides_x});
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* x = reinterpret_cast<const float*>(in[0]);
    auto* y = reinterpret_cast<float*>(out[0]);
    const int64_t rows = rows_.trips();
    // An exponential costs as much as several copied elements.
    in_parallel(rows, 4 * rows * extent_, [&](int64_t first, int64_t last) {
      const bool direct = step_x_ == 1 && step_y_ == 1;
      const auto row = std::make_unique_for_overwrite<float[]>(direct ? 1 : static_cast<size_t>(extent_));
      for (int64_t r = first; r < last; ++r) {
        const float* from = x + offset_of(r, rows_.extents, rows_.strides[1], rows_.depth());
        float* to = y + offset_of(r, rows_.extents, rows_.strides[0], rows_.depth());
        if (direct) {
          softmax_row(to, from, extent_, logarithm_);
          continue;
        }
        for (int64_t i = 0; i < extent_; ++i) row[static_cast<size_t>(i)] = from[i * step_x_];
        softmax_row(row.get(), row.get(), extent_, logarithm_);
        for (int64_t i = 0; i < extent_; ++i) to[i * step_y_] = row[static_cast<size_t>(i)];
      }
    });
  }

 private:
  bool logarithm_;
  int64_t extent_ = 0, step_x_ = 0, step_y_ = 0;
  LoopNest rows_;
};

}  // namespace

std::unique_ptr<Kernel> compile_softmax(const Softmax& p, Operands in, Operands out) {
  if (in[0].shape.empty() || storage_of(in[0].dtype) != Storage::real) return nullptr;
  return std::make_unique<SoftmaxKernel>(p, in[0], out[0]);
}

}  // namespace onnxray::onednn
