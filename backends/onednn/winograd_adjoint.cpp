#include <algorithm>

#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/thread_split.h"
#include "backends/onednn/winograd_tiles.h"

namespace onnxray::onednn {

namespace {

/// Of the transformed tiles of both sides: a part of the L3 cache, which lies between the steps of a block.
constexpr int64_t kBlockBytes = 6 << 20;
/// Between planes, so that they do not all fall on the same sets of the caches.
constexpr int64_t kGap = 80;

struct Geometry {
  int64_t batch, M, C;     // channels of g and of x
  int64_t gh, gw, xh, xw;  // extents
  int64_t pad_h, pad_w;    // of g, in front: tile t reads from 4 t - pad on
  int64_t tile_rows, tile_columns;

  Geometry(const Window& w, const Shape& x, const Shape& g)
      : batch(x[0]),
        M(g[1]),
        C(x[1]),
        gh(g[2]),
        gw(g[3]),
        xh(x[2]),
        xw(x[3]),
        pad_h(2 - w.pads_begin[0]),
        pad_w(2 - w.pads_begin[1]),
        tile_rows((xh + kTileResults - 1) / kTileResults),
        tile_columns((xw + kTileResults - 1) / kTileResults) {}

  int64_t tiles() const { return batch * tile_rows * tile_columns; }
};

/// Tiles that are worked on at a time: even blocks of those that fit.
int64_t block_of(const Geometry& s) {
  const int64_t fitting =
      std::max<int64_t>(kBlockBytes / (kPlanes * (s.M + s.C) * int64_t{sizeof(float)}), kTileLanes);
  const int64_t blocks = (s.tiles() + fitting - 1) / fitting;
  return (s.tiles() + blocks - 1) / blocks;
}

/// G w' G^T for w'[k] = w[m][c][8 - k], as [36, M, C].
std::vector<float> transformed_weights(const Geometry& s, const Operand& w) {
  std::vector<float> u(static_cast<size_t>(kPlanes * s.M * s.C));
  const auto* data = reinterpret_cast<const float*>(w.constant);
  in_parallel(s.M, kPlanes * s.M * s.C, [&](int64_t first, int64_t last) {
    for (int64_t m = first; m < last; ++m)
      transform_weights(u.data() + m * s.C, s.M * s.C, data + m * w.strides[0] + 8, -1, w.strides[1], s.C);
  });
  return u;
}

/// x = T(w, g), tile by tile: transform g, one matrix product per plane, collect x.
class WinogradAdjoint final : public Kernel {
 public:
  WinogradAdjoint(const Context& context, const Geometry& s, int64_t block, std::unique_ptr<Kernel> product)
      : s_(s),
        block_(block),
        product_(std::move(product)),
        scratch_(context.scratch),
        zeros_(static_cast<size_t>(s.M)) {
    const auto needed = static_cast<size_t>(kPlanes * (block * (s.M + s.C) + 2 * kGap));
    scratch_->resize(std::max(scratch_->size(), needed));
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* g = reinterpret_cast<const float*>(in[0]);
    auto* x = reinterpret_cast<float*>(out[0]);
    float *from = scratch_->data(), *to = from + kPlanes * (block_ * s_.M + kGap);  // [36, block, channels]
    for (int64_t start = 0; start < s_.tiles(); start += block_) {
      const int64_t count = std::min(block_, s_.tiles() - start);
      in_parallel(count, count * kPlanes * s_.M, [&](int64_t first, int64_t last) {
        for (int64_t t = first; t < last; ++t) transform(g, start + t, from + t * s_.M);
      });
      const std::byte* const operands[] = {reinterpret_cast<const std::byte*>(from), nullptr};
      std::byte* const results[] = {reinterpret_cast<std::byte*>(to)};
      product_->run(operands, results);
      in_parallel(count, count * kPlanes * s_.C, [&](int64_t first, int64_t last) {
        std::vector<float> unwanted(static_cast<size_t>(s_.C));
        for (int64_t t = first; t < last; ++t) collect(x, start + t, to + t * s_.C, unwanted.data());
      });
    }
  }

 private:
  struct Place {
    int64_t n, h, w;  // of the tile's first result
  };
  Place place_of(int64_t tile) const {
    const int64_t per_image = s_.tile_rows * s_.tile_columns, rest = tile % per_image;
    return {tile / per_image, rest / s_.tile_columns * kTileResults, rest % s_.tile_columns * kTileResults};
  }

  void transform(const float* g, int64_t tile, float* planes) const {
    const Place at = place_of(tile);
    const float* d[kPlanes];
    for (int64_t i = 0; i < kTileInputs; ++i) {
      const int64_t h = at.h - s_.pad_h + i;
      for (int64_t j = 0; j < kTileInputs; ++j) {
        const int64_t w = at.w - s_.pad_w + j;
        const bool inside = h >= 0 && h < s_.gh && w >= 0 && w < s_.gw;
        d[i * kTileInputs + j] = inside ? g + ((at.n * s_.gh + h) * s_.gw + w) * s_.M : zeros_.data();
      }
    }
    transform_tile(planes, block_ * s_.M + kGap, d, s_.M);
  }

  void collect(float* x, int64_t tile, const float* planes, float* unwanted) const {
    const Place at = place_of(tile);
    float* y[kTileResults * kTileResults];
    for (int64_t i = 0; i < kTileResults; ++i) {
      for (int64_t j = 0; j < kTileResults; ++j) {
        const int64_t h = at.h + i, w = at.w + j;
        const bool inside = h < s_.xh && w < s_.xw;
        y[i * kTileResults + j] = inside ? x + ((at.n * s_.xh + h) * s_.xw + w) * s_.C : unwanted;
      }
    }
    collect_tile(y, planes, block_ * s_.C + kGap, s_.C);
  }

  Geometry s_;
  int64_t block_;
  std::unique_ptr<Kernel> product_;
  std::shared_ptr<std::vector<float>> scratch_;  // the planes of both sides, kGap apart
  std::vector<float> zeros_;                     // a place outside of g
};

bool is_channels_last(const Operand& o) {
  return same_layout(o.shape, o.strides, channels_last_strides(o.shape));
}

}  // namespace

std::unique_ptr<Kernel> compile_winograd_adjoint(const Context& context, const ConvolutionInput& p,
                                                 Operands in, Operands out) {
  const Operand &g = in[0], &w = in[1], &x = out[0];
  if (!p.winograd || !w.constant || !is_channels_last(g) || !is_channels_last(x)) return nullptr;
  if (w.strides[2] != 3 || w.strides[3] != 1) return nullptr;
  const Geometry s(p.window, x.shape, g.shape);
  const int64_t block = block_of(s);
  const auto planes = [&](int64_t channels) {
    return describe({kPlanes, block, channels}, {block * channels + kGap, channels, 1});
  };
  const Shape weights{kPlanes, s.M, s.C};
  const auto pd = matmul(context.engine, planes(s.M), describe_any(weights), nullptr, planes(s.C));
  auto product = std::make_unique<DnnlCall>(context, dnnl::matmul(pd));
  product->bind_input(DNNL_ARG_SRC, planes(s.M), 0);
  std::vector<float> transformed;
  product->bind_constant(DNNL_ARG_WEIGHTS,
                         {w.constant, describe(weights, row_major_strides(weights)), pd.weights_desc(),
                          PackedConstants::Form::winograd},
                         [&] {
                           transformed = transformed_weights(s, w);
                           return transformed.data();
                         });
  product->bind_output(DNNL_ARG_DST, planes(s.C), 0);
  return std::make_unique<WinogradAdjoint>(context, s, block, std::move(product));
}

}  // namespace onnxray::onednn
