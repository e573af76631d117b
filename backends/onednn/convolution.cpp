#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "backends/onednn/cut_convolution.h"
#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/ending.h"
#include "backends/onednn/invalid_flag.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

using dnnl::memory;

/// oneDNN has kernels for one to three spatial axes, and none for repeated elements or empty tensors.
bool is_covered(std::span<const Operand> operands) {
  return std::ranges::all_of(operands,
                             [](const Operand& o) {
                               bool dense =
                                   storage_of(o.dtype) == Storage::real && element_count(o.shape) > 0;
                               for (size_t i = 0; i < o.shape.size(); ++i)
                                 dense = dense && (o.shape[i] == 1 || o.strides[i] > 0);
                               return dense;
                             }) &&
         operands[0].shape.size() >= 3 && operands[0].shape.size() <= 5;
}

memory::desc describe(const Operand& operand) { return onednn::describe(operand.shape, operand.strides); }

struct Weights {
  Shape shape;  // with a leading axis of groups where there are several
  Strides strides;
};

/// [M, C/groups, k..] as [groups, M/groups, C/groups, k..].
Weights grouped(const Operand& w, int64_t groups) {
  if (groups == 1) return {w.shape, w.strides};
  Weights result{w.shape, w.strides};
  result.shape[0] /= groups;
  result.shape.insert(result.shape.begin(), groups);
  result.strides.insert(result.strides.begin(), w.strides[0] * result.shape[1]);
  return result;
}

/// Pads at the end such that `out` places come out of `in`: as oneDNN checks it, with the window's floor.
Shape matching_pads_end(const Window& window, std::span<const int64_t> in, std::span<const int64_t> out) {
  Shape pads;
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t reach = window.dilations[i] * (window.kernel[i] - 1) + 1;
    const int64_t exact = (out[i] - 1) * window.strides[i] + reach - in[i] - window.pads_begin[i];
    pads.push_back(exact > -window.strides[i] ? std::max<int64_t>(exact, 0) : exact);
  }
  return pads;
}

std::span<const int64_t> spatial(const Shape& shape) { return std::span(shape).subspan(2); }

ConvolutionGeometry geometry(const Window& window, const Shape& x, const Shape& y) {
  ConvolutionGeometry g{window.strides, window.dilations, window.pads_begin,
                        matching_pads_end(window, spatial(x), spatial(y))};
  for (int64_t& dilate : g.dilates) --dilate;
  return g;
}

/// For the adjoint of a stride-1 convolution as a convolution: pads of dilation * (k - 1) - pad.
ConvolutionGeometry rotated_geometry(const Window& window, const Shape& x, const Shape& g) {
  Window rotated = window;
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    rotated.pads_begin[i] = window.dilations[i] * (window.kernel[i] - 1) - window.pads_begin[i];
  }
  return geometry(rotated, g, x);
}

bool has_negative_pads(const ConvolutionGeometry& g) {
  const auto negative = [](int64_t pad) { return pad < 0; };
  return std::ranges::any_of(g.pads_begin, negative) || std::ranges::any_of(g.pads_end, negative);
}

/// w'[group][c][m][k] = w[group][m][c][K - 1 - k], row-major.
std::vector<float> rotate_weights(const Weights& w, bool has_groups, const float* data) {
  const size_t lead = has_groups ? 1 : 0;
  const int64_t groups = has_groups ? w.shape[0] : 1, group_stride = has_groups ? w.strides[0] : 0;
  const int64_t outs = w.shape[lead], ins = w.shape[lead + 1];
  const int64_t taps = count_between(w.shape, lead + 2, w.shape.size());
  std::vector<int64_t> tap_offsets;
  for (int64_t tap = taps; tap-- > 0;) {
    int64_t rest = tap, offset = 0;
    for (size_t axis = w.shape.size(); axis-- > lead + 2;) {
      offset += rest % w.shape[axis] * w.strides[axis];
      rest /= w.shape[axis];
    }
    tap_offsets.push_back(offset);
  }
  std::vector<float> result(static_cast<size_t>(groups * outs * ins * taps));
  in_parallel(groups * ins, groups * ins * outs * taps, [&](int64_t first, int64_t last) {
    float* dst = result.data() + first * outs * taps;
    for (int64_t row = first; row < last; ++row) {
      for (int64_t m = 0; m < outs; ++m) {
        const float* src =
            data + row / ins * group_stride + m * w.strides[lead] + row % ins * w.strides[lead + 1];
        for (const int64_t offset : tap_offsets) *dst++ = src[offset];
      }
    }
  });
  return result;
}

/// A forward convolution that ends so; unset where it would take another kernel to add: a trip through memory
/// is worth less than a slower kernel costs.
std::optional<dnnl::convolution_forward::primitive_desc> describe_ended(
    const Context& context, const memory::desc& src, const Shape& weights, const memory::desc* bias,
    const memory::desc& dst, const ConvolutionGeometry& g, const Ending& ending) {
  const auto describe_with = [&](const Ending& e) {
    return convolution_forward(context.engine, src, describe_any(weights), bias, dst, g, attributes_of(e));
  };
  const auto pd = describe_with(ending);
  if (ending.adds && std::string_view(pd.impl_info_str()) != describe_with({}).impl_info_str()) return {};
  return pd;
}

/// The adjoint of a stride-1 convolution as a convolution with turned weights: up to 1.5 times as fast as
/// oneDNN 2.6's own. Null for other strides, and for weights that are not known.
std::unique_ptr<Kernel> compile_rotated(const Context& context, const ConvolutionInput& p, Operands in,
                                        Operands out, const Ending& ending) {
  const bool has_stride = std::ranges::any_of(p.window.strides, [](int64_t stride) { return stride != 1; });
  if (!in[1].constant || has_stride) return nullptr;
  const auto g = rotated_geometry(p.window, out[0].shape, in[0].shape);
  if (has_negative_pads(g)) return nullptr;
  const Weights w = grouped(in[1], p.groups);
  const bool has_groups = p.groups > 1;
  Weights swapped = w;
  const size_t lead = has_groups ? 1 : 0;
  std::swap(swapped.shape[lead], swapped.shape[lead + 1]);
  std::swap(swapped.strides[lead], swapped.strides[lead + 1]);
  const auto pd =
      describe_ended(context, describe(in[0]), swapped.shape, nullptr, describe(out[0]), g, ending);
  if (!pd) return nullptr;
  auto call = std::make_unique<DnnlCall>(context, dnnl::convolution_forward(*pd));
  call->bind_input(DNNL_ARG_SRC, describe(in[0]), 0);
  call->bind_output(DNNL_ARG_DST, describe(out[0]), 0);
  if (element_count(p.window.kernel) == 1) {  // nothing to turn
    call->bind_packed(DNNL_ARG_WEIGHTS, onednn::describe(swapped.shape, swapped.strides), pd->weights_desc(),
                      1, in[1].constant, p.form);
    return call;
  }
  std::vector<float> rotated;
  call->bind_constant(DNNL_ARG_WEIGHTS,
                      {in[1].constant, onednn::describe(swapped.shape, row_major_strides(swapped.shape)),
                       pd->weights_desc(), PackedConstants::Arrangement::rotated, p.form},
                      [&] {
                        rotated =
                            rotate_weights(w, has_groups, reinterpret_cast<const float*>(in[1].constant));
                        return rotated.data();
                      });
  return call;
}

std::unique_ptr<Kernel> compile_forward(const Context& context, const Convolution& p, Operands in,
                                        Operands out, const Ending& ending) {
  if (!is_covered(in.first(2)) || !is_covered(out)) return nullptr;
  const Weights w = grouped(in[1], p.groups);
  const auto g = geometry(p.window, in[0].shape, out[0].shape);
  const bool has_bias = in.size() > 2;
  const auto bias = has_bias ? describe(in[2]) : memory::desc();
  const auto pd = describe_ended(context, describe(in[0]), w.shape, has_bias ? &bias : nullptr,
                                 describe(out[0]), g, ending);
  if (!pd) return nullptr;
  auto call = std::make_unique<DnnlCall>(context, dnnl::convolution_forward(*pd));
  call->bind_input(DNNL_ARG_SRC, describe(in[0]), 0);
  call->bind_packed(DNNL_ARG_WEIGHTS, onednn::describe(w.shape, w.strides), pd->weights_desc(), 1,
                    in[1].constant, p.form);
  if (has_bias) call->bind_packed(DNNL_ARG_BIAS, bias, pd->bias_desc(), 2, in[2].constant);
  call->bind_output(DNNL_ARG_DST, describe(out[0]), 0);
  return call;
}

/// What `compile` makes for an ending. One that oneDNN cuts off is watched for NaNs, or not made.
template <class Compile>
std::unique_ptr<Kernel> compile_watched(const Context& context, const Ending& ending, const Operand& y,
                                        const Compile& compile) {
  if (!ending.cap) return compile(ending);
  if (!kHasInvalidFlag || !kRunsInOpenMp || !context.nan_watch) return nullptr;
  auto fast = compile(ending);
  if (!fast) return nullptr;
  const auto make_plain = [=] { return compile(Ending{ending.adds, {}}); };
  return std::make_unique<CutConvolution>(context.nan_watch, std::move(fast), make_plain, y, *ending.cap);
}

using OwnedOperands = std::vector<Operand>;

OwnedOperands owned(Operands operands) { return {operands.begin(), operands.end()}; }

}  // namespace

std::unique_ptr<Kernel> compile_convolution(const Context& context, const Convolution& p, Operands in,
                                            Operands out) {
  if (auto winograd = compile_winograd(context, p, {}, in, out)) return winograd;
  return compile_forward(context, p, in, out, {});
}

std::unique_ptr<Kernel> compile_ended_convolution(const Context& context, const Convolution& p,
                                                  const Expression& epilogue, Operands in, Operands out) {
  const auto ending = ending_of(epilogue);
  if (!ending || (ending->adds && p.winograd)) return nullptr;
  if (auto winograd = compile_winograd(context, p, ending->cap, in, out)) return winograd;
  return compile_watched(context, *ending, out[0], [=, in = owned(in), out = owned(out)](const Ending& e) {
    return compile_forward(context, p, in, out, e);
  });
}

std::unique_ptr<Kernel> compile_convolution_input(const Context& context, const ConvolutionInput& p,
                                                  Operands in, Operands out) {
  if (!is_covered(in.first(2)) || !is_covered(out)) return nullptr;
  if (auto narrow = compile_narrow_adjoint(p, in, out)) return narrow;
  if (auto winograd = compile_winograd_adjoint(context, p, in, out)) return winograd;
  if (auto rotated = compile_rotated(context, p, in, out, {})) return rotated;
  const Weights w = grouped(in[1], p.groups);
  const auto g = geometry(p.window, out[0].shape, in[0].shape);
  const auto pd =
      convolution_backward_data(context.engine, describe(out[0]), describe_any(w.shape), describe(in[0]), g);
  auto call = std::make_unique<DnnlCall>(context, dnnl::convolution_backward_data(pd));
  call->bind_input(DNNL_ARG_DIFF_DST, describe(in[0]), 0);
  call->bind_packed(DNNL_ARG_WEIGHTS, onednn::describe(w.shape, w.strides), pd.weights_desc(), 1,
                    in[1].constant, p.form);
  call->bind_output(DNNL_ARG_DIFF_SRC, describe(out[0]), 0);
  return call;
}

std::unique_ptr<Kernel> compile_ended_convolution_input(const Context& context, const ConvolutionInput& p,
                                                        const Expression& epilogue, Operands in,
                                                        Operands out) {
  const auto ending = ending_of(epilogue);
  if (!ending || p.winograd || !is_covered(in.first(2)) || !is_covered(out)) return nullptr;
  if (compile_narrow_adjoint(p, in, out)) return nullptr;  // faster, but ends in nothing
  return compile_watched(context, *ending, out[0], [=, in = owned(in), out = owned(out)](const Ending& e) {
    return compile_rotated(context, p, in, out, e);
  });
}

std::unique_ptr<Kernel> compile_convolution_weight(const Context& context, const ConvolutionWeight& p,
                                                   Operands in, Operands out) {
  if (!is_covered(in) || !is_covered(out)) return nullptr;
  const Weights w = grouped(out[0], p.groups);
  const auto g = geometry(p.window, in[0].shape, in[1].shape);
  const auto pd = convolution_backward_weights(context.engine, describe(in[0]), describe_any(w.shape),
                                               describe(in[1]), g);
  auto call = std::make_unique<DnnlCall>(context, dnnl::convolution_backward_weights(pd));
  call->bind_input(DNNL_ARG_SRC, describe(in[0]), 0);
  call->bind_input(DNNL_ARG_DIFF_DST, describe(in[1]), 1);
  call->bind_unpacked(DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc(), onednn::describe(w.shape, w.strides), 0);
  return call;
}

}  // namespace onnxray::onednn
