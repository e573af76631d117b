#include <algorithm>

#include "backends/onednn/column_sums.h"
#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/plane_copy.h"
#include "backends/onednn/spatial_window.h"
#include "backends/onednn/thread_split.h"
#include "backends/onednn/weight_form.h"

namespace onnxray::onednn {

namespace {

/// Up to so many channels, x's vectors would be mostly empty: oneDNN 2.6 reaches a sixth of its speed.
constexpr int64_t kNarrow = 4;

/// x is the adjoint's result, y stands for g.
struct Geometry : SpatialWindow {
  int64_t batch, channels, features;

  Geometry(const Window& w, const Shape& x_shape, const Shape& g_shape)
      : SpatialWindow(w, x_shape, g_shape), batch(x_shape[0]), channels(x_shape[1]), features(g_shape[1]) {}

  int64_t kernel_rows() const { return kernel[0] * kernel[1]; }
  /// Taps of a row of the kernel, with their channels.
  int64_t columns() const { return kernel[2] * channels; }
  /// A row of g up to whole vectors.
  int64_t pitch() const { return (y[2] + kPlaceLanes - 1) / kPlaceLanes * kPlaceLanes; }

  /// The o with o * stride + k * dilation - pad = i, or -1.
  int64_t place(size_t axis, int64_t i, int64_t k) const {
    const int64_t at = i + pad[axis] - k * dilation[axis];
    if (at < 0 || at % stride[axis] != 0 || at / stride[axis] >= y[axis]) return -1;
    return at / stride[axis];
  }
  /// The o of one i lie among so many neighbours.
  int64_t places_apart(size_t axis) const { return (kernel[axis] - 1) * dilation[axis] / stride[axis] + 1; }
};

/// w [M, C, k..] as [rows of the kernel, groups of columns, M, columns of the group].
std::vector<float> columns_of_weights(const Geometry& s, const Operand& w, const WeightForm& form,
                                      int64_t group) {
  const auto* data = reinterpret_cast<const float*>(w.constant);
  const size_t rank = w.shape.size() - 2;
  int64_t tap_stride[3] = {0, 0, 0};
  for (size_t a = 0; a < rank; ++a) tap_stride[3 - rank + a] = w.strides[a + 2];
  std::vector<float> result;
  result.reserve(static_cast<size_t>(s.kernel_rows() * s.columns() * s.features));
  for (int64_t row = 0; row < s.kernel_rows(); ++row) {
    const float* of_row = data + row / s.kernel[1] * tap_stride[0] + row % s.kernel[1] * tap_stride[1];
    for (int64_t first = 0; first < s.columns(); first += group) {
      for (int64_t m = 0; m < s.features; ++m) {
        for (int64_t c = first; c < std::min(first + group, s.columns()); ++c) {
          result.push_back(
              of_row[m * w.strides[0] + c / s.channels * tap_stride[2] + c % s.channels * w.strides[1]]);
        }
      }
    }
  }
  take_form(form, result.data(), static_cast<int64_t>(result.size()));
  return result;
}

/// One tap of a row: result j of a phase reads place first + j of the tap's sums.
struct PhaseTap {
  int64_t tap, first;
};

/// x = T(w, g), row by row of x. First, for each tap k and channel c of a row of the kernel and all places o,
///   y[k, c, o] = sum over rows of g and of the kernel that meet in x's, and over m, of g[o, m] w[m, k, c],
/// with places in the lanes of vectors; then x[i, c] = sum of y[k, c, o] over o * stride + k * dilation - pad
/// = i: neighbouring o for every stride-th i, a phase of the row.
class NarrowAdjoint final : public Kernel {
 public:
  NarrowAdjoint(const Geometry& s, const Operand& w, const WeightForm& form) : s_(s) {
    const int64_t groups = (s.columns() + columns_at_once() - 1) / columns_at_once();
    group_ = (s.columns() + groups - 1) / groups;
    weights_ = columns_of_weights(s, w, form, group_);
    find_phases();
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* g = reinterpret_cast<const float*>(in[0]);
    auto* x = reinterpret_cast<float*>(out[0]);
    const int64_t rows = s_.x[0] * s_.x[1], row = s_.x[2] * s_.channels;
    const int64_t places = s_.batch * s_.y[0] * s_.y[1] * s_.y[2];
    in_parallel(s_.batch * rows, places * s_.features, [&](int64_t first, int64_t last) {
      Memory memory(*this);
      for (int64_t r = first; r < last; ++r) {
        collect(memory, g, r / rows, r % rows / s_.x[1], r % s_.x[1]);
        write_row(memory, x + r * row);
      }
    });
  }

 private:
  /// What one thread works on.
  struct Memory {
    explicit Memory(const NarrowAdjoint& k)
        : held(static_cast<size_t>(k.slots()), -1),
          turned(static_cast<size_t>(k.slots() * k.slot_size())),
          sums(static_cast<size_t>(k.s_.columns() * k.sum_pitch())),
          phases(static_cast<size_t>(k.s_.stride[2] * k.s_.channels * k.phase_pitch())) {}

    std::vector<int64_t> held;  // by slot: the number of a row of g
    std::vector<float> turned;  // its features by places; 0 behind the last place
    std::vector<float> sums;    // y; 0 before and behind the places
    std::vector<float> phases;
    std::vector<Rows> rows;
    std::vector<const float*> taps;
  };

  int64_t slots() const { return s_.places_apart(0) * s_.places_apart(1); }
  int64_t slot_size() const { return s_.features * s_.pitch(); }
  int64_t sum_pitch() const { return before_ + s_.pitch() + behind_; }
  int64_t phase_pitch() const { return (s_.x[2] + s_.stride[2] - 1) / s_.stride[2]; }
  int64_t phase_length(int64_t q) const { return std::max<int64_t>((s_.x[2] - q - 1) / s_.stride[2] + 1, 0); }

  void find_phases() {
    for (int64_t q = 0; q < std::min(s_.stride[2], s_.x[2]); ++q) {
      std::vector<PhaseTap> taps;
      for (int64_t k = 0; k < s_.kernel[2]; ++k) {
        const int64_t at = q + s_.pad[2] - k * s_.dilation[2];
        if (at % s_.stride[2] != 0) continue;
        const int64_t first = at / s_.stride[2];
        if (first + phase_length(q) <= 0 || first >= s_.y[2]) continue;
        taps.push_back({k, first});
        before_ = std::max(before_, -first);
        behind_ = std::max(behind_, first + phase_length(q) - s_.pitch());
      }
      phases_.push_back(std::move(taps));
    }
  }

  const float* turned_row(Memory& memory, const float* g, int64_t n, int64_t d, int64_t h) const {
    const int64_t slot = d % s_.places_apart(0) * s_.places_apart(1) + h % s_.places_apart(1);
    const int64_t row = (n * s_.y[0] + d) * s_.y[1] + h;
    float* turned = memory.turned.data() + slot * slot_size();
    int64_t& held = memory.held[static_cast<size_t>(slot)];
    if (held != row) {
      copy_plane(turned, g + row * s_.y[2] * s_.features, {s_.features, s_.y[2], s_.pitch(), 1, s_.features});
      held = row;
    }
    return turned;
  }

  void collect(Memory& memory, const float* g, int64_t n, int64_t d, int64_t h) const {
    memory.rows.clear();
    for (int64_t kd = 0; kd < s_.kernel[0]; ++kd) {
      const int64_t od = s_.place(0, d, kd);
      for (int64_t kh = 0; od >= 0 && kh < s_.kernel[1]; ++kh) {
        const int64_t oh = s_.place(1, h, kh), row = kd * s_.kernel[1] + kh;
        if (oh < 0) continue;
        memory.rows.push_back(
            {turned_row(memory, g, n, od, oh), weights_.data() + row * s_.columns() * s_.features});
      }
    }
    for (int64_t first = 0; first < s_.columns(); first += group_) {
      columns_of_places(memory.sums.data() + first * sum_pitch() + before_, sum_pitch(), memory.rows,
                        s_.features, s_.pitch(), std::min(group_, s_.columns() - first));
      for (Rows& row : memory.rows) row.w += group_ * s_.features;
    }
  }

  void write_row(Memory& memory, float* x) const {
    const int64_t C = s_.channels, stride = s_.stride[2];
    float* phases = stride * C == 1 ? x : memory.phases.data();
    for (int64_t q = 0; q < std::ssize(phases_); ++q) {
      for (int64_t c = 0; c < C; ++c) {
        memory.taps.clear();
        for (const PhaseTap& t : phases_[static_cast<size_t>(q)])
          memory.taps.push_back(memory.sums.data() + (t.tap * C + c) * sum_pitch() + before_ + t.first);
        sum_of_rows(phases + (q * C + c) * phase_pitch(), memory.taps, phase_length(q));
      }
    }
    if (phases == x) return;
    const int64_t whole = s_.x[2] / stride, rest = s_.x[2] % stride * C;
    copy_plane(x, phases, {whole, stride * C, stride * C, 1, phase_pitch()});
    for (int64_t i = 0; i < rest; ++i) x[whole * stride * C + i] = phases[i * phase_pitch() + whole];
  }

  Geometry s_;
  int64_t group_ = 0;  // columns that are summed at once
  std::vector<float> weights_;
  std::vector<std::vector<PhaseTap>> phases_;
  int64_t before_ = 0, behind_ = 0;  // places that padding reads
};

}  // namespace

std::unique_ptr<Kernel> compile_narrow_adjoint(const ConvolutionInput& p, Operands in, Operands out) {
  const Operand &g = in[0], &w = in[1], &x = out[0];
  if (p.groups != 1 || !w.constant || x.shape[1] > kNarrow) return nullptr;
  if (!is_channels_last(g) || !is_channels_last(x)) return nullptr;
  return std::make_unique<NarrowAdjoint>(Geometry(p.window, x.shape, g.shape), w, p.form);
}

}  // namespace onnxray::onednn
