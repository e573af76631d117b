#include <algorithm>

#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/row_loops.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// Up to so many channels, x's vectors would be mostly empty: oneDNN 2.6 reaches a sixth of its speed.
constexpr int64_t kNarrow = 4;
/// Elements of the product that are held at once.
constexpr int64_t kLargestProduct = 1 << 24;

int64_t rounded_up(int64_t n) { return (n + kRunLanes - 1) / kRunLanes * kRunLanes; }

/// A window as three spatial axes; missing ones come first.
struct Geometry {
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, pad[3] = {0, 0, 0};
  int64_t x[3] = {1, 1, 1}, g[3] = {1, 1, 1};
  int64_t batch = 0, channels = 0, features = 0;

  Geometry(const Window& w, const Shape& x_shape, const Shape& g_shape)
      : batch(x_shape[0]), channels(x_shape[1]), features(g_shape[1]) {
    const size_t rank = w.kernel.size();
    for (size_t s = 0; s < rank; ++s) {
      const size_t a = 3 - rank + s;
      kernel[a] = w.kernel[s];
      stride[a] = w.strides[s];
      dilation[a] = w.dilations[s];
      pad[a] = w.pads_begin[s];
      x[a] = x_shape[s + 2];
      g[a] = g_shape[s + 2];
    }
  }

  int64_t places() const { return g[0] * g[1] * g[2]; }
  int64_t rows_per_kernel() const { return kernel[0] * kernel[1]; }
  int64_t run() const { return rounded_up(kernel[2] * channels); }
  int64_t columns() const { return rows_per_kernel() * run(); }
};

/// w [M, C, k..] as [M, rows of the kernel, run], where a run holds the taps of a row with their channels
/// innermost, and zeros up to a whole number of lanes.
std::vector<float> runs_of_weights(const Geometry& s, const Operand& w) {
  std::vector<float> result(static_cast<size_t>(s.features * s.columns()), 0.0f);
  const auto* data = reinterpret_cast<const float*>(w.constant);
  const size_t rank = w.shape.size() - 2;
  int64_t tap_stride[3] = {0, 0, 0};
  for (size_t a = 0; a < rank; ++a) tap_stride[3 - rank + a] = w.strides[a + 2];
  for (int64_t m = 0; m < s.features; ++m) {
    for (int64_t row = 0; row < s.rows_per_kernel(); ++row) {
      const float* from =
          data + m * w.strides[0] + row / s.kernel[1] * tap_stride[0] + row % s.kernel[1] * tap_stride[1];
      float* to = result.data() + m * s.columns() + row * s.run();
      for (int64_t i = 0; i < s.kernel[2] * s.channels; ++i) {
        to[i] = from[i / s.channels * tap_stride[2] + i % s.channels * w.strides[1]];
      }
    }
  }
  return result;
}

/// x = T(w, g) as one matrix product, whose rows are then added where they belong (col2im).
class NarrowAdjoint final : public Kernel {
 public:
  NarrowAdjoint(const Geometry& s, std::vector<float> weights, std::unique_ptr<Kernel> product)
      : s_(s),
        weights_(std::move(weights)),
        product_(std::move(product)),
        runs_(static_cast<size_t>(s.places() * s.columns())) {}

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* g = reinterpret_cast<const float*>(in[0]);
    auto* x = reinterpret_cast<float*>(out[0]);
    const int64_t row = s_.x[2] * s_.channels, rows = s_.x[0] * s_.x[1];
    for (int64_t n = 0; n < s_.batch; ++n) {
      const std::byte* const from[] = {reinterpret_cast<const std::byte*>(g + n * s_.places() * s_.features),
                                       reinterpret_cast<const std::byte*>(weights_.data())};
      std::byte* const to[] = {reinterpret_cast<std::byte*>(runs_.data())};
      product_->run(from, to);
      in_parallel(rows, s_.places() * s_.columns(), [&](int64_t first, int64_t last) {
        std::vector<float> sum(static_cast<size_t>(margin() + std::max(row, reach()) + s_.run()));
        for (int64_t r = first; r < last; ++r) {
          std::ranges::fill(sum, 0.0f);
          add_row(r / s_.x[1], r % s_.x[1], sum.data());
          std::copy_n(sum.data() + margin(), row, x + (n * rows + r) * row);
        }
      });
    }
  }

 private:
  /// Room before and behind a row of x for what falls on padding.
  int64_t margin() const { return s_.pad[2] * s_.channels; }
  int64_t reach() const { return (s_.g[2] - 1) * s_.stride[2] * s_.channels; }

  void add_row(int64_t d, int64_t h, float* sum) const {
    for (int64_t kd = 0; kd < s_.kernel[0]; ++kd) {
      const int64_t od = place(0, d, kd);
      for (int64_t kh = 0; od >= 0 && kh < s_.kernel[1]; ++kh) {
        const int64_t oh = place(1, h, kh);
        if (oh < 0) continue;
        const float* runs =
            runs_.data() + (od * s_.g[1] + oh) * s_.g[2] * s_.columns() + (kd * s_.kernel[1] + kh) * s_.run();
        add_runs(sum, s_.stride[2] * s_.channels, runs, s_.columns(), s_.g[2], s_.run());
      }
    }
  }

  /// The o with o * stride + k * dilation - pad = i, or -1.
  int64_t place(size_t axis, int64_t i, int64_t k) const {
    const int64_t at = i + s_.pad[axis] - k * s_.dilation[axis];
    if (at < 0 || at % s_.stride[axis] != 0 || at / s_.stride[axis] >= s_.g[axis]) return -1;
    return at / s_.stride[axis];
  }

  Geometry s_;
  std::vector<float> weights_;
  std::unique_ptr<Kernel> product_;
  std::vector<float> runs_;
};

bool is_channels_last(const Operand& o) {
  return same_layout(o.shape, o.strides, channels_last_strides(o.shape));
}

}  // namespace

std::unique_ptr<Kernel> compile_narrow_adjoint(const Context& context, const ConvolutionInput& p, Operands in,
                                               Operands out) {
  const Operand &g = in[0], &w = in[1], &x = out[0];
  if (p.groups != 1 || !w.constant || x.shape[1] > kNarrow || p.window.dilations.back() != 1) return nullptr;
  if (!is_channels_last(g) || !is_channels_last(x)) return nullptr;
  const Geometry s(p.window, x.shape, g.shape);
  if (s.places() * s.columns() > kLargestProduct) return nullptr;

  std::vector<float> weights = runs_of_weights(s, w);
  const auto dense = [](int64_t rows, int64_t columns) {
    return Operand{{rows, columns}, {columns, 1}, DType::f32, nullptr};
  };
  Operand operands[] = {dense(s.places(), s.features), dense(s.features, s.columns())};
  operands[1].constant = reinterpret_cast<const std::byte*>(weights.data());
  const Operand result[] = {dense(s.places(), s.columns())};
  Context own = context;  // the weights that it packs are nobody else's, and move
  own.constants = std::make_shared<PackedConstants>();
  auto product = compile_matmul(own, {}, operands, result);
  if (!product) return nullptr;
  return std::make_unique<NarrowAdjoint>(s, std::move(weights), std::move(product));
}

}  // namespace onnxray::onednn
