#include <algorithm>

#include "backends/cudnn/compile.h"
#include "backends/cudnn/gemm.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/loop_nest.h"

namespace onnxray::cudnn {

namespace {

bool is_dense(const Operand& x) { return same_layout(x.shape, x.strides, row_major_strides(x.shape)); }

/// The strides of `x` over y's leading axes, in elements.
Strides batch_strides(const Operand& x, const Shape& batch) {
  const Shape leading(x.shape.begin(), x.shape.end() - 2);
  const Strides strides(x.strides.begin(), x.strides.end() - 2);
  return broadcast_strides(leading, strides, batch.size());
}

class MatMulStep final : public DeviceStep {
 public:
  MatMulStep(Gemm gemm, LoopNest batch, const Operands& o, bool in_epilogue)
      : gemm_(std::move(gemm)),
        batch_(std::move(batch)),
        y_shape_(o.out[0].shape),
        y_strides_(o.out[0].strides) {
    const bool biased = o.in.size() > 2;
    in_epilogue_ = biased && in_epilogue;
    added_ = biased && !in_epilogue;
    if (biased) bias_strides_ = broadcast_strides(o.in[2].shape, o.in[2].strides, y_shape_.size());
  }

  int64_t workspace_bytes() const override { return gemm_.workspace_bytes(); }

  void launch(const Launch& l, Sources in, Targets out) override {
    const auto* a = reinterpret_cast<const float*>(in[0]);
    const auto* b = reinterpret_cast<const float*>(in[1]);
    const auto* bias = in.size() > 2 ? reinterpret_cast<const float*>(in[2]) : nullptr;
    auto* y = reinterpret_cast<float*>(out[0]);
    each_batch(0, 0, 0, 0, [&](int64_t at_a, int64_t at_b, int64_t at_y) {
      gemm_.launch(l, a + at_a, b + at_b, y + at_y, in_epilogue_ ? bias : nullptr);
    });
    if (added_) add_strided(l.stream, y_shape_, y, y_strides_, bias, bias_strides_);
  }

 private:
  /// All leading axes but the innermost, which the product itself repeats over.
  template <class F>
  void each_batch(size_t axis, int64_t a, int64_t b, int64_t y, F f) const {
    if (axis + 1 >= batch_.extents.size()) return f(a, b, y);
    for (int64_t i = 0; i < batch_.extents[axis]; ++i) {
      each_batch(axis + 1, a + i * batch_.strides[1][axis], b + i * batch_.strides[2][axis],
                 y + i * batch_.strides[0][axis], f);
    }
  }

  Gemm gemm_;
  LoopNest batch_;  // sets: y, a, b
  Shape y_shape_;
  Strides y_strides_, bias_strides_;
  bool in_epilogue_ = false, added_ = false;
};

}  // namespace

std::unique_ptr<DeviceStep> compile_matmul(Compiler& c, const MatMul& p, const Operands& o) {
  const Operand &a = o.in[0], &b = o.in[1], &y = o.out[0];
  for (const Operand& x : o.in) {
    if (!is_floating(x.dtype)) return nullptr;
  }
  if (!is_floating(y.dtype) || !is_dense(a) || !is_dense(b) || !is_dense(y)) return nullptr;
  const size_t rank = y.shape.size();
  GemmShape s;
  s.rows = y.shape[rank - 2];
  s.columns = y.shape[rank - 1];
  s.inner = a.shape[a.shape.size() - (p.transpose_a ? 2 : 1)];
  s.transpose_a = p.transpose_a;
  s.transpose_b = p.transpose_b;
  const Shape leading(y.shape.begin(), y.shape.end() - 2);
  LoopNest batch = collapse(
      leading,
      {Strides(y.strides.begin(), y.strides.end() - 2), batch_strides(a, leading), batch_strides(b, leading)},
      LoopOrder::row_major);
  s.batch = batch.extents.back();
  if (s.batch > 1) {
    s.c_stride = batch.strides[0].back();
    s.a_stride = batch.strides[1].back();
    s.b_stride = batch.strides[2].back();
  }
  // One matrix b for a dense stack of a: a single tall product.
  if (s.batch > 1 && s.b_stride == 0 && !s.transpose_a && s.a_stride == s.rows * s.inner &&
      s.c_stride == s.rows * s.columns) {
    s.rows *= s.batch;
    s.batch = 1;
    s.a_stride = s.c_stride = 0;
  }
  int64_t launches = 1;
  for (size_t axis = 0; axis + 1 < batch.extents.size(); ++axis) launches *= batch.extents[axis];
  constexpr int64_t kMostLaunches = 64;
  if (launches > kMostLaunches) return nullptr;
  s.aligned = launches == 1;
  const bool row_bias = o.in.size() > 2 && o.in[2].strides.size() >= 1 &&
                        element_count(o.in[2].shape) == s.columns && o.in[2].shape.back() == s.columns &&
                        is_dense(o.in[2]);
  Gemm gemm(c.device, s, row_bias);
  const bool in_epilogue = row_bias && gemm.usable();
  if (!gemm.usable()) gemm = Gemm(c.device, s);
  if (!gemm.usable()) return nullptr;
  return std::make_unique<MatMulStep>(std::move(gemm), std::move(batch), o, in_epilogue);
}

}  // namespace onnxray::cudnn
