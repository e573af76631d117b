#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"
#include "backends/cudnn/kernels/weight_entry.h"
#include "backends/cudnn/kernels/window_taps.h"

// Convolutions and products by their definition, for what the libraries refuse: integers, odd layouts, the
// gradient of weights. One thread per result; sums in double or int64.

namespace onnxray::cudnn {

namespace {

/// Where w[m, c, tap] lies.
struct WeightPlaces {
  int64_t m, c, tap[WindowTaps::kAxes];
  int32_t kernel[WindowTaps::kAxes];
  ONNXRAY_DEVICE int64_t operator()(int64_t at_m, int64_t at_c, int64_t t) const {
    int64_t offset = at_m * m + at_c * c;
    for (int a = WindowTaps::kAxes - 1; a >= 0; --a) {
      offset += t % kernel[a] * tap[a];
      t /= kernel[a];
    }
    return offset;
  }
};

WeightPlaces weight_places(const Operand& w, const WindowTaps& taps) {
  WeightPlaces places{w.strides[0], w.strides[1], {}, {}};
  const size_t axes = w.shape.size() - 2, missing = WindowTaps::kAxes - axes;
  for (size_t a = 0; a < WindowTaps::kAxes; ++a) {
    places.kernel[a] = taps.kernel[a];
    places.tap[a] = a < missing ? 0 : w.strides[2 + a - missing];
  }
  return places;
}

/// The window between x and y, with elements of `numbered` (x or y) counted and channels left to the kernel.
WindowTaps planes(const Window& window, const Operand& x, const Operand& y, int64_t channels) {
  WindowTaps taps = make_taps(window, x, y, nullptr);
  taps.channels = channels;
  return taps;
}

/// Takes weights as they are.
struct Whole {
  template <class E>
  ONNXRAY_DEVICE E operator()(E w) const {
    return w;
  }
};

/// y[n, m, o] = b[m] + sum over c, tap of take(w[m, c, tap]) x[n, group of m and c, o * stride + tap * dilation
/// - pad]
template <class E, class Take = Whole>
struct Correlate {
  const E *x, *w, *b;
  E* y;
  WindowTaps taps;
  WeightPlaces places;
  int64_t x_channel, per_group_in, per_group_out, b_step;
  StoreAs as;
  Take take = {};
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = taps.of_y(i);
    const int64_t first = at.channel / per_group_out * per_group_in;
    Wide<E> sum = b != nullptr ? Wide<E>{b[at.channel * b_step]} : Wide<E>{0};
    taps.each_tap(at, [&](int64_t tap, int64_t place) {
      for (int64_t c = 0; c < per_group_in; ++c) {
        const Wide<E> weight = take(w[places(at.channel, c, tap)]);
        sum = op_add(sum, op_mul(weight, Wide<E>{x[place + (first + c) * x_channel]}));
      }
    });
    y[at.offset[1]] = as.to<E>(sum);
  }
};

/// x[n, c, i] = sum over m, tap of w[m, c, tap] g[n, m, o] where i = o * stride + tap * dilation - pad
template <class E>
struct CorrelateInput {
  const E *g, *w;
  E* x;
  WindowTaps taps;
  WeightPlaces places;
  int64_t g_channel, per_group_in, per_group_out;
  StoreAs as;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = taps.of_x(i);
    const int64_t first = at.channel / per_group_in * per_group_out, c = at.channel % per_group_in;
    Wide<E> sum = 0;
    taps.each_window(at, [&](int64_t tap, int64_t at_g, int64_t) {
      for (int64_t m = first; m < first + per_group_out; ++m) {
        sum = op_add(sum, op_mul(Wide<E>{w[places(m, c, tap)]}, Wide<E>{g[at_g + m * g_channel]}));
      }
    });
    x[at.offset[0]] = as.to<E>(sum);
  }
};

/// x[n, c, i] = sum over m, tap of w (w < 0 ? g- : g+)[n, m, o] where i = o * stride + tap * dilation - pad and w
/// stands for w[m, c, tap]
struct CorrelateInputBySign {
  const float *plus, *minus, *w;
  float* x;
  WindowTaps taps, minus_taps;  // both cotangents' places
  WeightPlaces places;
  int64_t plus_channel, minus_channel, results;
  ONNXRAY_DEVICE double sum_of(const float* g, const WindowTaps& of_g, int64_t channel, bool negative,
                               int64_t i) const {
    const auto at = of_g.of_x(i);
    double sum = 0;
    of_g.each_window(at, [&](int64_t tap, int64_t at_g, int64_t) {
      for (int64_t m = 0; m < results; ++m) {
        const float weight = w[places(m, at.channel, tap)];
        if ((weight < 0) == negative) sum += double{weight} * g[at_g + m * channel];
      }
    });
    return sum;
  }
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    x[taps.of_x(i).offset[0]] = static_cast<float>(sum_of(plus, taps, plus_channel, false, i) +
                                                   sum_of(minus, minus_taps, minus_channel, true, i));
  }
};

/// w[m, c, tap] = sum over n, o of g[n, m, o] x[n, group of m and c, o * stride + tap * dilation - pad]
template <class E>
struct CorrelateWeight {
  const E *x, *g;
  E* w;
  WindowTaps taps;  // numbers [n, o]
  WeightPlaces places;
  int64_t x_channel, g_channel, per_group_in, per_group_out, windows;
  StoreAs as;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const int64_t tap = i % taps.count, c = i / taps.count % per_group_in, m = i / taps.count / per_group_in;
    const int64_t from = (m / per_group_out * per_group_in + c) * x_channel;
    Wide<E> sum = 0;
    for (int64_t j = 0; j < windows; ++j) {
      const auto at = taps.of_y(j);
      const int64_t place = taps.place_in_x(at, tap);
      if (place >= 0)
        sum = op_add(sum, op_mul(Wide<E>{x[place + from]}, Wide<E>{g[at.offset[1] + m * g_channel]}));
    }
    w[places(m, c, tap)] = as.to<E>(sum);
  }
};

/// y[.., i, j] = bias + sum over k of a[.., i, k] b[.., k, j]
template <class E>
struct Product {
  const E *a, *b, *bias;
  E* y;
  Places<4> places;  // sets: y, a at k = 0, b at k = 0, bias
  int64_t extent, a_step, b_step;
  StoreAs as;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = places(i);
    Wide<E> sum = bias != nullptr ? Wide<E>{bias[at.offset[3]]} : Wide<E>{0};
    for (int64_t k = 0; k < extent; ++k) {
      sum = op_add(sum, op_mul(Wide<E>{a[at.offset[1] + k * a_step]}, Wide<E>{b[at.offset[2] + k * b_step]}));
    }
    y[at.offset[0]] = as.to<E>(sum);
  }
};

bool all_alike(const Operands& o) {
  for (const Operand& x : o.in) {
    if (!alike(x, o.out[0])) return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<DeviceStep> compile_direct(const Convolution& p, const Operands& o) {
  const Operand &x = o.in[0], &w = o.in[1], &y = o.out[0];
  if (!all_alike(o)) return nullptr;
  WindowTaps taps = planes(p.window, x, y, y.shape[1]);
  taps.strides[0][1] = 0;
  const WeightPlaces places = weight_places(w, taps);
  const int64_t b_step = o.in.size() > 2 ? o.in[2].strides[0] : 0;
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, count = element_count(y.shape), x_channel = x.strides[1], in_group = w.shape[1],
                      out_group = y.shape[1] / p.groups,
                      as = store_as(y.dtype)](const Launch& l, Sources in, Targets out) {
      const E* b = in.size() > 2 ? in_as<E>(in[2]) : nullptr;
      for_each(l.stream, count,
               Correlate<E>{in_as<E>(in[0]), in_as<E>(in[1]), b, out_as<E>(out[0]), taps, places, x_channel,
                            in_group, out_group, b_step, as});
    });
  });
}

std::unique_ptr<DeviceStep> compile_direct(const ConvolutionInput& p, const Operands& o) {
  const Operand &g = o.in[0], &w = o.in[1], &x = o.out[0];
  if (!all_alike(o)) return nullptr;
  WindowTaps taps = planes(p.window, x, g, x.shape[1]);
  taps.strides[1][1] = 0;
  const WeightPlaces places = weight_places(w, taps);
  return with_storage(x.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, count = element_count(x.shape), g_channel = g.strides[1], in_group = w.shape[1],
                      out_group = g.shape[1] / p.groups,
                      as = store_as(x.dtype)](const Launch& l, Sources in, Targets out) {
      for_each(l.stream, count,
               CorrelateInput<E>{in_as<E>(in[0]), in_as<E>(in[1]), out_as<E>(out[0]), taps, places, g_channel,
                                 in_group, out_group, as});
    });
  });
}

std::unique_ptr<DeviceStep> compile_direct(const SplitConvolution& p, const Operands& o) {
  if (!all_alike(o) || storage_of(o.in[0].dtype) != Storage::real) return nullptr;
  using Kernel = Correlate<float, WeightEntry>;
  const Operand &x = o.in[0], &w = o.in[1];
  const int64_t b_step = o.in.size() > 2 ? o.in[2].strides[0] : 0;
  std::vector<Kernel> kernels;
  for (size_t i = 0; i < 2; ++i) {
    const Operand& y = o.out[i];
    WindowTaps taps = planes(p.window, x, y, w.shape[0]);
    taps.strides[0][1] = 0;
    kernels.push_back(Kernel{nullptr, nullptr, nullptr, nullptr, taps, weight_places(w, taps), x.strides[1],
                             w.shape[1], w.shape[0], b_step, store_as(y.dtype),
                             WeightEntry(i == 0 ? WeightForm{} : p.part)});
  }
  return make_step([kernels, count = element_count(o.out[0].shape)](const Launch& l, Sources in, Targets out) {
    for (size_t i = 0; i < 2; ++i) {
      Kernel kernel = kernels[i];
      kernel.x = in_as<float>(in[0]);
      kernel.w = in_as<float>(in[1]);
      if (i == 0 && in.size() > 2) kernel.b = in_as<float>(in[2]);
      kernel.y = out_as<float>(out[i]);
      for_each(l.stream, count, kernel);
    }
  });
}

std::unique_ptr<DeviceStep> compile_direct(const SplitConvolutionInput& p, const Operands& o) {
  if (!all_alike(o) || storage_of(o.in[0].dtype) != Storage::real) return nullptr;
  const Operand &plus = o.in[0], &minus = o.in[1], &w = o.in[2], &x = o.out[0];
  WindowTaps taps = planes(p.window, x, plus, x.shape[1]), minus_taps = planes(p.window, x, minus, x.shape[1]);
  taps.strides[1][1] = minus_taps.strides[1][1] = 0;
  const CorrelateInputBySign kernel{nullptr,    nullptr,
                                    nullptr,    nullptr,
                                    taps,       minus_taps,
                                    weight_places(w, taps), plus.strides[1],
                                    minus.strides[1], w.shape[0]};
  return make_step([kernel, count = element_count(x.shape)](const Launch& l, Sources in, Targets out) {
    CorrelateInputBySign now = kernel;
    now.plus = in_as<float>(in[0]);
    now.minus = in_as<float>(in[1]);
    now.w = in_as<float>(in[2]);
    now.x = out_as<float>(out[0]);
    for_each(l.stream, count, now);
  });
}

std::unique_ptr<DeviceStep> compile_direct(const ConvolutionWeight& p, const Operands& o) {
  const Operand &x = o.in[0], &g = o.in[1], &w = o.out[0];
  if (!all_alike(o)) return nullptr;
  WindowTaps taps = planes(p.window, x, g, 1);
  taps.strides[0][1] = taps.strides[1][1] = 0;
  const WeightPlaces places = weight_places(w, taps);
  return with_storage(w.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, count = element_count(w.shape), x_channel = x.strides[1], g_channel = g.strides[1],
                      in_group = w.shape[1], out_group = g.shape[1] / p.groups,
                      windows = element_count(g.shape) / std::max<int64_t>(g.shape[1], 1),
                      as = store_as(w.dtype)](const Launch& l, Sources in, Targets out) {
      for_each(l.stream, count,
               CorrelateWeight<E>{in_as<E>(in[0]), in_as<E>(in[1]), out_as<E>(out[0]), taps, places,
                                  x_channel, g_channel, in_group, out_group, windows, as});
    });
  });
}

std::unique_ptr<DeviceStep> compile_direct(const MatMul& p, const Operands& o) {
  const Operand &a = o.in[0], &b = o.in[1], &y = o.out[0];
  if (!all_alike(o)) return nullptr;
  const size_t rank = y.shape.size();
  const auto operand_strides = [&](const Operand& x, bool transposed, bool is_left, int64_t& step) {
    Shape shape = x.shape;
    Strides strides = x.strides;
    const size_t rows = shape.size() - 2, columns = rows + 1;
    if (transposed) {
      std::swap(shape[rows], shape[columns]);
      std::swap(strides[rows], strides[columns]);
    }
    const size_t inner = is_left ? columns : rows;
    step = strides[inner];
    shape[inner] = 1;
    return broadcast_strides(shape, strides, y.shape.size());
  };
  int64_t a_step = 0, b_step = 0;
  const Strides from_a = operand_strides(a, p.transpose_a, true, a_step),
                from_b = operand_strides(b, p.transpose_b, false, b_step);
  const Strides from_bias =
      o.in.size() > 2 ? broadcast_strides(o.in[2].shape, o.in[2].strides, y.shape.size()) : Strides(rank, 0);
  const auto places = make_places<4>(y.shape, {y.strides, from_a, from_b, from_bias}, LoopOrder::memory);
  const int64_t extent = a.shape[a.shape.size() - (p.transpose_a ? 2 : 1)];
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, count = element_count(y.shape), as = store_as(y.dtype)](const Launch& l, Sources in,
                                                                                 Targets out) {
      const E* bias = in.size() > 2 ? in_as<E>(in[2]) : nullptr;
      for_each(l.stream, count,
               Product<E>{in_as<E>(in[0]), in_as<E>(in[1]), bias, out_as<E>(out[0]), places, extent, a_step,
                          b_step, as});
    });
  });
}

}  // namespace onnxray::cudnn
