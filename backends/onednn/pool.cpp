#include <algorithm>
#include <vector>

#include "backends/onednn/kernels.h"
#include "backends/onednn/row_loops.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// A pair (tap, place): the tap of the kernel along one axis, and the place on the other side that it joins.
struct Hit {
  int64_t tap, place;
};
/// By place on this side: what it meets on the other.
using AxisHits = std::vector<std::vector<Hit>>;

/// The three spatial axes of a window; missing ones come first, with one place each.
struct Axes {
  AxisHits hits[3];
  int64_t kernel[3] = {1, 1, 1};
};

enum class Direction : uint8_t { to_windows, to_data };

/// Joins outputs o and inputs i at taps k wherever i = o * stride + k * dilation - pad lies inside.
Axes join(const Window& w, std::span<const int64_t> in, std::span<const int64_t> out, Direction direction) {
  Axes axes;
  const bool to_windows = direction == Direction::to_windows;
  for (size_t a = 0; a < 3; ++a) {
    if (a + in.size() < 3) {
      axes.hits[a] = {{{0, 0}}};
      continue;
    }
    const size_t s = a + in.size() - 3;
    axes.kernel[a] = w.kernel[s];
    axes.hits[a].resize(static_cast<size_t>(to_windows ? out[s] : in[s]));
    for (int64_t o = 0; o < out[s]; ++o) {
      for (int64_t k = 0; k < w.kernel[s]; ++k) {
        const int64_t i = o * w.strides[s] + k * w.dilations[s] - w.pads_begin[s];
        if (i < 0 || i >= in[s]) continue;
        axes.hits[a][static_cast<size_t>(to_windows ? o : i)].push_back({k, to_windows ? i : o});
      }
    }
  }
  return axes;
}

/// Strides of [N, C, spatial...] as batch and three spatial axes.
struct Layout {
  explicit Layout(const Operand& o) : batch(o.strides[0]) {
    for (size_t s = 2; s < o.strides.size(); ++s) axis[3 + s - o.strides.size()] = o.strides[s];
  }
  int64_t at(int64_t n, int64_t d, int64_t h, int64_t w) const {
    return n * batch + d * axis[0] + h * axis[1] + w * axis[2];
  }

  int64_t batch, axis[3] = {0, 0, 0};
};

bool has_channel_rows(const Operand& o) {
  return o.shape.size() >= 3 && o.shape.size() <= 5 && (o.shape[1] == 1 || o.strides[1] == 1) &&
         element_count(o.shape) > 0;
}

/// Walks over the places of one side, meeting at each the taps that lead to the other side.
class TapWalk {
 public:
  TapWalk(Axes axes, const Operand& here, const Operand& there)
      : axes_(std::move(axes)),
        here_(here),
        there_(there),
        batch_(here.shape[0]),
        work_(element_count(here.shape)) {}

  /// Calls visit(offset here, taps) with rows of `there`, and of `winners`, which lie alike, where there are
  /// any.
  template <class F>
  void run(const float* there, const uint8_t* winners, const F& visit) const {
    const int64_t depth = extent(0), height = extent(1);
    in_parallel(batch_ * depth * height, work_ * axes_.kernel[0] * axes_.kernel[1] * axes_.kernel[2],
                [&](int64_t first, int64_t last) {
                  std::vector<Tap> taps;
                  for (int64_t row = first; row < last; ++row) {
                    const int64_t n = row / (depth * height), d = row / height % depth, h = row % height;
                    for (int64_t w = 0; w < extent(2); ++w) {
                      collect(n, d, h, w, there, winners, taps);
                      visit(here_.at(n, d, h, w), taps);
                    }
                  }
                });
  }

 private:
  int64_t extent(size_t axis) const { return static_cast<int64_t>(axes_.hits[axis].size()); }

  void collect(int64_t n, int64_t d, int64_t h, int64_t w, const float* there, const uint8_t* winners,
               std::vector<Tap>& taps) const {
    taps.clear();
    for (const Hit& i : axes_.hits[0][static_cast<size_t>(d)]) {
      for (const Hit& j : axes_.hits[1][static_cast<size_t>(h)]) {
        for (const Hit& k : axes_.hits[2][static_cast<size_t>(w)]) {
          const int64_t number = (i.tap * axes_.kernel[1] + j.tap) * axes_.kernel[2] + k.tap;
          const int64_t offset = there_.at(n, i.place, j.place, k.place);
          taps.push_back(
              {there + offset, static_cast<int32_t>(number), winners ? winners + offset : nullptr});
        }
      }
    }
  }

  Axes axes_;
  Layout here_, there_;
  int64_t batch_, work_;
};

TapWalk walk_windows(const Window& window, const Operand& x, const Operand& y) {
  return {join(window, std::span(x.shape).subspan(2), std::span(y.shape).subspan(2), Direction::to_windows),
          y, x};
}

TapWalk walk_data(const Window& window, const Operand& x, const Operand& y) {
  return {join(window, std::span(x.shape).subspan(2), std::span(y.shape).subspan(2), Direction::to_data), x,
          y};
}

using In = std::span<const std::byte* const>;
using Out = std::span<std::byte* const>;

template <class F>
class WalkKernel final : public Kernel {
 public:
  WalkKernel(TapWalk walk, F f) : walk_(std::move(walk)), f_(std::move(f)) {}
  void run(In in, Out out) override { f_(walk_, in, out); }

 private:
  TapWalk walk_;
  F f_;
};

template <class F>
std::unique_ptr<Kernel> make_kernel(TapWalk walk, F f) {
  return std::make_unique<WalkKernel<F>>(std::move(walk), std::move(f));
}

const float* reals(const std::byte* data) { return reinterpret_cast<const float*>(data); }
float* reals(std::byte* data) { return reinterpret_cast<float*>(data); }
const uint8_t* bytes(const std::byte* data) { return reinterpret_cast<const uint8_t*>(data); }
uint8_t* bytes(std::byte* data) { return reinterpret_cast<uint8_t*>(data); }

bool is_covered(const Operand& x, const Operand& y) {
  return storage_of(x.dtype) == Storage::real && has_channel_rows(x) && has_channel_rows(y);
}

bool is_covered(const Operand& x, const Operand& y, const Operand& winner) {
  return is_covered(x, y) && storage_of(winner.dtype) == Storage::byte &&
         same_layout(y.shape, y.strides, winner.strides);
}

/// y[place] = sum of its taps, whichever side it is on.
std::unique_ptr<Kernel> make_sum(TapWalk walk, int64_t channels) {
  return make_kernel(std::move(walk), [channels](const TapWalk& places, In in, Out out) {
    float* y = reals(out[0]);
    places.run(reals(in[0]), nullptr,
               [&](int64_t at, const std::vector<Tap>& taps) { sum_of_taps(y + at, taps, channels); });
  });
}

}  // namespace

std::unique_ptr<Kernel> compile_max_pool(const MaxPool& p, Operands in, Operands out) {
  const Operand &x = in[0], &y = out[0];
  if (!is_covered(x, y, out[1])) return nullptr;
  return make_kernel(walk_windows(p.window, x, y),
                     [channels = y.shape[1]](const TapWalk& places, In from, Out to) {
                       places.run(reals(from[0]), nullptr, [&](int64_t at, const std::vector<Tap>& taps) {
                         largest_tap(reals(to[0]) + at, bytes(to[1]) + at, taps, channels);
                       });
                     });
}

std::unique_ptr<Kernel> compile_max_pool_scatter(const MaxPoolScatter& p, Operands in, Operands out) {
  const Operand &g = in[0], &x = out[0];
  if (!is_covered(x, g, in[1])) return nullptr;
  // Each place of x sums the windows that it won: no two threads write to one place.
  return make_kernel(
      walk_data(p.window, x, g), [channels = x.shape[1]](const TapWalk& places, In from, Out to) {
        places.run(reals(from[0]), bytes(from[1]), [&](int64_t at, const std::vector<Tap>& taps) {
          sum_of_winning_taps(reals(to[0]) + at, taps, channels);
        });
      });
}

std::unique_ptr<Kernel> compile_max_pool_gather(const MaxPoolGather& p, Operands in, Operands out) {
  const Operand &x = in[0], &y = out[0];
  if (!is_covered(x, y, in[1])) return nullptr;
  return make_kernel(walk_windows(p.window, x, y),
                     [channels = y.shape[1]](const TapWalk& places, In from, Out to) {
                       places.run(reals(from[0]), nullptr, [&](int64_t at, std::vector<Tap>& taps) {
                         for (Tap& tap : taps) tap.winner = bytes(from[1]) + at;  // one for the whole window
                         sum_of_winning_taps(reals(to[0]) + at, taps, channels);
                       });
                     });
}

std::unique_ptr<Kernel> compile_sum_pool(const SumPool& p, Operands in, Operands out) {
  if (!is_covered(in[0], out[0])) return nullptr;
  return make_sum(walk_windows(p.window, in[0], out[0]), out[0].shape[1]);
}

std::unique_ptr<Kernel> compile_sum_pool_input(const SumPoolInput& p, Operands in, Operands out) {
  if (!is_covered(in[0], out[0])) return nullptr;
  return make_sum(walk_data(p.window, out[0], in[0]), out[0].shape[1]);
}

}  // namespace onnxray::onednn
