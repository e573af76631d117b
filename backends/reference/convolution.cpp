#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"
#include "backends/reference/window.h"

namespace onnxray::reference {

namespace {

/// dst[place] of a dense buffer written to a strided plane.
template <class E>
void store_plane(const Walk& walk, E* dst, DType dtype, const Wide<E>* src) {
  const int64_t n = walk.row_extent(), step = walk.step(0), from = walk.step(1);
  walk.rows([&](const int64_t* at) {
    for (int64_t i = 0; i < n; ++i) dst[at[0] + i * step] = to_element<E>(dtype, src[at[1] + i * from]);
  });
}

/// What the three kernels share. x is [N, C, s..], w [M, C / groups, k..], y [N, M, o..]; each may be the
/// result. Sums run over channels, then taps, in a fixed order per element, so no result depends on the
/// batch.
struct Problem {
  Problem(const Window& window, int64_t group_count, const Operand& x_, const Operand& w_, const Operand& y_)
      : x(x_), w(w_), y(y_), groups(group_count), taps(element_count(window.kernel)) {
    const Shape kernel = spatial_of(w.shape);
    tap_offsets.reserve(static_cast<size_t>(taps));
    for (int64_t t = 0; t < taps; ++t) {
      int64_t rest = t, offset = 0;
      for (size_t a = kernel.size(); a-- > 0; rest /= kernel[a])
        offset += rest % kernel[a] * w.strides[a + 2];
      tap_offsets.push_back(offset);
    }
  }

  int64_t images() const { return x.shape[0]; }
  int64_t filters() const { return w.shape[0]; }
  int64_t channels_per_group() const { return w.shape[1]; }
  int64_t filters_per_group() const { return w.shape[0] / groups; }
  int64_t first_channel(int64_t m) const { return m / filters_per_group() * channels_per_group(); }
  int64_t w_at(int64_t m, int64_t c, int64_t tap) const {
    return m * w.strides[0] + c * w.strides[1] + tap_offsets[static_cast<size_t>(tap)];
  }

  Operand x, w, y;
  int64_t groups, taps;
  std::vector<int64_t> tap_offsets;
};

/// dst[j] += factor * src[j * step]
template <class E>
void add_scaled(int64_t n, Wide<E>* dst, int64_t dst_step, Wide<E> factor, const E* src, int64_t step) {
  if (step == 1 && dst_step == 1) {
    for (int64_t j = 0; j < n; ++j) dst[j] = plus(dst[j], times(factor, Wide<E>{src[j]}));
  } else {
    for (int64_t j = 0; j < n; ++j)
      dst[j * dst_step] = plus(dst[j * dst_step], times(factor, Wide<E>{src[j * step]}));
  }
}

/// y[n,m,o] = b[m] + sum over c, tap of w[m,c,tap] * x[n,c,o * stride - pad + tap * dilation]
template <class E>
std::unique_ptr<Kernel> forward(const Window& window, const Problem& p, DType dtype, bool biased,
                                int64_t bias_stride) {
  const Shape plane = spatial_of(p.y.shape);
  const WindowRows rows(window, spatial_of(p.x.shape), spatial_of(p.x.strides), plane,
                        row_major_strides(plane));
  const Walk store(plane, {spatial_of(p.y.strides), row_major_strides(plane)});
  std::vector<Wide<E>> sums(static_cast<size_t>(element_count(plane)));
  return make_kernel([=](Sources in, Targets out) mutable {
    const E *x = in_as<E>(in[0]), *w = in_as<E>(in[1]);
    for (int64_t n = 0; n < p.images(); ++n) {
      for (int64_t m = 0; m < p.filters(); ++m) {
        std::ranges::fill(sums, biased ? Wide<E>{in_as<E>(in[2])[m * bias_stride]} : Wide<E>{0});
        for (int64_t c = 0; c < p.channels_per_group(); ++c) {
          const E* from = x + n * p.x.strides[0] + (p.first_channel(m) + c) * p.x.strides[1];
          for (int64_t tap = 0; tap < p.taps; ++tap) {
            const Wide<E> factor = w[p.w_at(m, c, tap)];
            for (const TapRow& row : rows[tap])
              add_scaled<E>(row.extent, sums.data() + row.y, 1, factor, from + row.x, rows.x_step);
          }
        }
        store_plane<E>(store, out_as<E>(out[0]) + n * p.y.strides[0] + m * p.y.strides[1], dtype,
                       sums.data());
      }
    }
  });
}

/// x[n,c,i] = sum over m, tap of w[m,c,tap] * g[n,m,o] where i = o * stride - pad + tap * dilation
template <class E>
std::unique_ptr<Kernel> input_adjoint(const Window& window, const Problem& p, DType dtype) {
  const Shape plane = spatial_of(p.x.shape);
  const WindowRows rows(window, plane, row_major_strides(plane), spatial_of(p.y.shape),
                        spatial_of(p.y.strides));
  const Walk store(plane, {spatial_of(p.x.strides), row_major_strides(plane)});
  std::vector<Wide<E>> sums(static_cast<size_t>(element_count(plane)));
  return make_kernel([=](Sources in, Targets out) mutable {
    const E *g = in_as<E>(in[0]), *w = in_as<E>(in[1]);
    for (int64_t n = 0; n < p.images(); ++n) {
      for (int64_t channel = 0; channel < p.x.shape[1]; ++channel) {
        const int64_t group = channel / p.channels_per_group(), c = channel % p.channels_per_group();
        std::ranges::fill(sums, Wide<E>{0});
        for (int64_t m = group * p.filters_per_group(); m < (group + 1) * p.filters_per_group(); ++m) {
          const E* from = g + n * p.y.strides[0] + m * p.y.strides[1];
          for (int64_t tap = 0; tap < p.taps; ++tap) {
            const Wide<E> factor = w[p.w_at(m, c, tap)];
            for (const TapRow& row : rows[tap])
              add_scaled<E>(row.extent, sums.data() + row.x, rows.x_step, factor, from + row.y, rows.y_step);
          }
        }
        store_plane<E>(store, out_as<E>(out[0]) + n * p.x.strides[0] + channel * p.x.strides[1], dtype,
                       sums.data());
      }
    }
  });
}

/// w[m,c,tap] = sum over n, o of g[n,m,o] * x[n,c,o * stride - pad + tap * dilation]
template <class E>
std::unique_ptr<Kernel> weight_adjoint(const Window& window, const Problem& p, DType dtype) {
  const WindowRows rows(window, spatial_of(p.x.shape), spatial_of(p.x.strides), spatial_of(p.y.shape),
                        spatial_of(p.y.strides));
  return make_kernel([=](Sources in, Targets out) {
    const E *x = in_as<E>(in[0]), *g = in_as<E>(in[1]);
    for (int64_t m = 0; m < p.filters(); ++m) {
      for (int64_t c = 0; c < p.channels_per_group(); ++c) {
        for (int64_t tap = 0; tap < p.taps; ++tap) {
          Wide<E> sum = 0;
          for (int64_t n = 0; n < p.images(); ++n) {
            const E* from = x + n * p.x.strides[0] + (p.first_channel(m) + c) * p.x.strides[1];
            const E* with = g + n * p.y.strides[0] + m * p.y.strides[1];
            for (const TapRow& row : rows[tap]) {
              for (int64_t j = 0; j < row.extent; ++j) {
                sum = plus(sum, times(Wide<E>{from[row.x + j * rows.x_step]},
                                      Wide<E>{with[row.y + j * rows.y_step]}));
              }
            }
          }
          out_as<E>(out[0])[p.w_at(m, c, tap)] = to_element<E>(dtype, sum);
        }
      }
    }
  });
}

}  // namespace

template <class T>
std::unique_ptr<Kernel> compile(const Convolution& p, const Operands& o) {
  for (const Operand& x : o.in) require_alike("convolution", x, o.out[0]);
  const Problem problem(p.window, p.groups, o.in[0], o.in[1], o.out[0]);
  const bool biased = o.in.size() > 2;
  return with_storage<T>(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    return forward<E>(p.window, problem, o.out[0].dtype, biased, biased ? o.in[2].strides[0] : 0);
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const ConvolutionInput& p, const Operands& o) {
  for (const Operand& x : o.in) require_alike("convolution_input", x, o.out[0]);
  const Problem problem(p.window, p.groups, o.out[0], o.in[1], o.in[0]);
  return with_storage<T>(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    return input_adjoint<E>(p.window, problem, o.out[0].dtype);
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const ConvolutionWeight& p, const Operands& o) {
  for (const Operand& x : o.in) require_alike("convolution_weight", x, o.out[0]);
  const Problem problem(p.window, p.groups, o.in[0], o.out[0], o.in[1]);
  return with_storage<T>(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    return weight_adjoint<E>(p.window, problem, o.out[0].dtype);
  });
}

template std::unique_ptr<Kernel> compile<float>(const Convolution&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Convolution&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const ConvolutionInput&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const ConvolutionInput&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const ConvolutionWeight&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const ConvolutionWeight&, const Operands&);

}  // namespace onnxray::reference
