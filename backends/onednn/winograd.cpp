#include "core/winograd.h"

#include <algorithm>

#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/thread_split.h"
#include "backends/onednn/weight_form.h"
#include "backends/onednn/winograd_tiles.h"

namespace onnxray::onednn {

namespace {

/// Between planes, so that they do not all fall on the same sets of the caches.
constexpr int64_t kGap = 80;

/// y = w * x, where x may be the cotangent of a convolution and y that of its data.
struct Geometry {
  int64_t batch, C, M;     // channels of x and of y
  int64_t xh, xw, yh, yw;  // extents
  int64_t pad_h, pad_w;    // of x, in front: the tile of y[4 t] reads from 4 t - pad on
  int64_t tile_rows, tile_columns;

  Geometry(const Shape& x, const Shape& y, int64_t pad_rows, int64_t pad_columns)
      : batch(x[0]),
        C(x[1]),
        M(y[1]),
        xh(x[2]),
        xw(x[3]),
        yh(y[2]),
        yw(y[3]),
        pad_h(pad_rows),
        pad_w(pad_columns),
        tile_rows((yh + kTileResults - 1) / kTileResults),
        tile_columns((yw + kTileResults - 1) / kTileResults) {}

  int64_t tiles() const { return batch * tile_rows * tile_columns; }
};

/// Tiles that are worked on at a time: even blocks of those that fit.
int64_t block_of(const Geometry& s) {
  const int64_t fitting = winograd_tiles_in(kWinogradBlock, s.M + s.C, sizeof(float));
  const int64_t blocks = (s.tiles() + fitting - 1) / fitting;
  return (s.tiles() + blocks - 1) / blocks;
}

/// G w G^T as [36, C, M], packed, for a form w of the weights; for an adjoint of w turned by half a turn,
/// with its channels exchanged.
void pack_transformed(const Context& context, const Geometry& s, const Operand& w, const WeightForm& form,
                      bool is_adjoint, dnnl::memory& packed) {
  // So many channels of x at a time, whole blocks of every order that oneDNN may want: all of them together
  // are four times as large as w.
  constexpr int64_t kSlice = 64;
  const auto* data = reinterpret_cast<const float*>(w.constant);
  std::vector<float> taken;
  if (form != WeightForm{}) {
    taken.assign(data, data + element_count(w.shape));
    take_form(form, taken.data(), element_count(w.shape));
    data = taken.data();
  }
  const int64_t from = w.strides[is_adjoint ? 0 : 1], to = w.strides[is_adjoint ? 1 : 0];
  const int64_t first_tap = is_adjoint ? 8 : 0, tap = is_adjoint ? -1 : 1;
  std::vector<float> u(static_cast<size_t>(kPlanes * std::min(kSlice, s.C) * s.M));
  for (int64_t start = 0; start < s.C; start += kSlice) {
    const int64_t count = std::min(kSlice, s.C - start);
    in_parallel(count, kPlanes * count * s.M, [&](int64_t first, int64_t last) {
      for (int64_t c = first; c < last; ++c)
        transform_weights(u.data() + c * s.M, count * s.M, data + (start + c) * from + first_tap, tap, to,
                          s.M);
    });
    const Shape slice{kPlanes, count, s.M};
    dnnl::memory plain(describe(slice, row_major_strides(slice)), context.engine, u.data());
    dnnl::memory part(packed.get_desc().submemory_desc(slice, {0, start, 0}), context.engine,
                      packed.get_data_handle());
    dnnl::stream stream = context.stream;
    dnnl::reorder(plain, part).execute(stream, plain, part);
    stream.wait();
  }
}

/// y = w * x, tile by tile: transform x, one matrix product per plane, collect y.
class Winograd final : public Kernel {
 public:
  Winograd(const Context& context, const Geometry& s, int64_t block, std::unique_ptr<Kernel> product,
           std::optional<float> cap)
      : s_(s),
        block_(block),
        product_(std::move(product)),
        scratch_(context.scratch),
        zeros_(static_cast<size_t>(s.C)) {
    const auto needed = static_cast<size_t>(kPlanes * (block * (s.M + s.C) + 2 * kGap));
    scratch_->resize(std::max(scratch_->size(), needed));
    if (cap) finish_.low = 0;
    if (cap) finish_.high = *cap;
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* x = reinterpret_cast<const float*>(in[0]);
    auto* y = reinterpret_cast<float*>(out[0]);
    if (in.size() > 2) finish_.bias = reinterpret_cast<const float*>(in[2]);
    float *from = scratch_->data(), *to = from + kPlanes * (block_ * s_.C + kGap);  // [36, block, channels]
    for (int64_t start = 0; start < s_.tiles(); start += block_) {
      const int64_t count = std::min(block_, s_.tiles() - start);
      in_parallel(count, count * kPlanes * s_.C, [&](int64_t first, int64_t last) {
        for (int64_t t = first; t < last; ++t) transform(x, start + t, from + t * s_.C);
      });
      const std::byte* const operands[] = {reinterpret_cast<const std::byte*>(from), nullptr};
      std::byte* const results[] = {reinterpret_cast<std::byte*>(to)};
      product_->run(operands, results);
      in_parallel(count, count * kPlanes * s_.M, [&](int64_t first, int64_t last) {
        std::vector<float> unwanted(static_cast<size_t>(s_.M));
        for (int64_t t = first; t < last; ++t) collect(y, start + t, to + t * s_.M, unwanted.data());
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

  void transform(const float* x, int64_t tile, float* planes) const {
    const Place at = place_of(tile);
    const float* d[kPlanes];
    for (int64_t i = 0; i < kTileInputs; ++i) {
      const int64_t h = at.h - s_.pad_h + i;
      for (int64_t j = 0; j < kTileInputs; ++j) {
        const int64_t w = at.w - s_.pad_w + j;
        const bool inside = h >= 0 && h < s_.xh && w >= 0 && w < s_.xw;
        d[i * kTileInputs + j] = inside ? x + ((at.n * s_.xh + h) * s_.xw + w) * s_.C : zeros_.data();
      }
    }
    transform_tile(planes, block_ * s_.C + kGap, d, s_.C);
  }

  void collect(float* y, int64_t tile, const float* planes, float* unwanted) const {
    const Place at = place_of(tile);
    float* r[kTileResults * kTileResults];
    for (int64_t i = 0; i < kTileResults; ++i) {
      for (int64_t j = 0; j < kTileResults; ++j) {
        const int64_t h = at.h + i, w = at.w + j;
        const bool inside = h < s_.yh && w < s_.yw;
        r[i * kTileResults + j] = inside ? y + ((at.n * s_.yh + h) * s_.yw + w) * s_.M : unwanted;
      }
    }
    collect_tile(r, planes, block_ * s_.M + kGap, s_.M, finish_);
  }

  Geometry s_;
  int64_t block_;
  std::unique_ptr<Kernel> product_;
  std::shared_ptr<std::vector<float>> scratch_;  // the planes of both sides, kGap apart
  std::vector<float> zeros_;                     // a place outside of x
  Finish finish_;
};

std::unique_ptr<Kernel> compile(const Context& context, const Geometry& s, const Operand& w,
                                const WeightForm& form, bool is_adjoint, std::optional<float> cap) {
  if (!w.constant || !same_layout(w.shape, w.strides, row_major_strides(w.shape))) return nullptr;
  const int64_t block = block_of(s);
  const auto planes = [&](int64_t channels) {
    return describe({kPlanes, block, channels}, {block * channels + kGap, channels, 1});
  };
  const Shape weights{kPlanes, s.C, s.M};
  const auto pd = matmul(context.engine, planes(s.C), describe_any(weights), nullptr, planes(s.M));
  auto product = std::make_unique<DnnlCall>(context, dnnl::matmul(pd));
  product->bind_input(DNNL_ARG_SRC, planes(s.C), 0);
  const PackedConstants::Wanted wanted{
      w.constant, describe(weights, row_major_strides(weights)), pd.weights_desc(),
      is_adjoint ? PackedConstants::Arrangement::rotated_winograd : PackedConstants::Arrangement::winograd,
      form};
  const auto pack = [&](dnnl::memory& packed) { pack_transformed(context, s, w, form, is_adjoint, packed); };
  product->bind_memory(DNNL_ARG_WEIGHTS, context.constants->get(wanted, context.engine, pack));
  product->bind_output(DNNL_ARG_DST, planes(s.M), 0);
  return std::make_unique<Winograd>(context, s, block, std::move(product), cap);
}

}  // namespace

std::unique_ptr<Kernel> compile_winograd(const Context& context, const Convolution& p,
                                         std::optional<float> cap, Operands in, Operands out) {
  if (!p.winograd || !is_channels_last(in[0]) || !is_channels_last(out[0])) return nullptr;
  if (in.size() > 2 && in[2].strides[0] != 1) return nullptr;
  const Geometry s(in[0].shape, out[0].shape, p.window.pads_begin[0], p.window.pads_begin[1]);
  return compile(context, s, in[1], p.form, false, cap);
}

std::unique_ptr<Kernel> compile_winograd_adjoint(const Context& context, const ConvolutionInput& p,
                                                 Operands in, Operands out) {
  if (!p.winograd || !is_channels_last(in[0]) || !is_channels_last(out[0])) return nullptr;
  const Geometry s(in[0].shape, out[0].shape, 2 - p.window.pads_begin[0], 2 - p.window.pads_begin[1]);
  return compile(context, s, in[1], p.form, true, {});
}

}  // namespace onnxray::onednn
