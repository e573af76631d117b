#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"
#include "backends/reference/window.h"

namespace onnxray::reference {

namespace {

/// Calls f with the offset of every plane [n, c] of each operand.
template <class F>
void each_plane(const Shape& shape, const std::vector<Strides>& strides, F f) {
  std::vector<int64_t> at(strides.size());
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (int64_t c = 0; c < shape[1]; ++c) {
      for (size_t s = 0; s < strides.size(); ++s) at[s] = n * strides[s][0] + c * strides[s][1];
      f(at.data());
    }
  }
}

/// f(dense row-major place, strided offset) for every place of a plane.
template <class F>
void each_place(const Walk& walk, F f) {
  walk.rows([&](const int64_t* at) {
    for (int64_t i = 0; i < walk.row_extent(); ++i)
      f(static_cast<size_t>(at[0] + i * walk.step(0)), at[1] + i * walk.step(1));
  });
}

Walk plane_walk(const Operand& x) {
  const Shape plane = spatial_of(x.shape);
  return {plane, {row_major_strides(plane), spatial_of(x.strides)}};
}

template <class E, class I>
std::unique_ptr<Kernel> make_max_pool(const Window& window, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0], &winner = o.out[1];
  const Shape plane = spatial_of(y.shape);
  const WindowRows rows(window, spatial_of(x.shape), spatial_of(x.strides), plane, row_major_strides(plane));
  const Walk store_y = plane_walk(y), store_winner = plane_walk(winner);
  std::vector<E> best(static_cast<size_t>(element_count(plane)));
  std::vector<int64_t> tap_of_best(best.size());
  return make_kernel([=, shape = y.shape,
                      strides = std::vector<Strides>{x.strides, y.strides, winner.strides},
                      lowest = lowest_of<E>(x.dtype)](Sources in, Targets out) mutable {
    each_plane(shape, strides, [&](const int64_t* at) {
      std::ranges::fill(best, lowest);
      std::ranges::fill(tap_of_best, -1);
      for (int64_t tap = 0; tap < rows.tap_count(); ++tap) {
        for (const TapRow& row : rows[tap]) {
          for (int64_t j = 0; j < row.extent; ++j) {
            const E value = (in_as<E>(in[0]) + at[0])[row.x + j * rows.x_step];
            const auto i = static_cast<size_t>(row.y + j);
            if (tap_of_best[i] >= 0 && !(value > best[i]) && !(is_nan(value) && !is_nan(best[i]))) continue;
            best[i] = value;
            tap_of_best[i] = tap;
          }
        }
      }
      each_place(store_y, [&](size_t i, int64_t to) { out_as<E>(out[0])[at[1] + to] = best[i]; });
      // A window of padding alone names tap 0.
      each_place(store_winner, [&](size_t i, int64_t to) {
        out_as<I>(out[1])[at[2] + to] = static_cast<I>(std::max<int64_t>(tap_of_best[i], 0));
      });
    });
  });
}

/// Finds the place in x that a window's winner names.
class WinnerPlaces {
 public:
  WinnerPlaces(const Window& window, const Shape& x, const Strides& x_strides, const Shape& y)
      : window_(window), x_(x), x_strides_(x_strides), y_(y) {}

  /// The offset in x's plane of tap `tap` of the window with the row-major index `o`, or -1 in the padding.
  int64_t operator()(int64_t o, int64_t tap) const {
    int64_t offset = 0;
    for (size_t a = x_.size(); a-- > 0; o /= y_[a], tap /= window_.kernel[a]) {
      const int64_t i = o % y_[a] * window_.strides[a] - window_.pads_begin[a] +
                        tap % window_.kernel[a] * window_.dilations[a];
      if (i < 0 || i >= x_[a]) return -1;
      offset += i * x_strides_[a];
    }
    return offset;
  }

 private:
  Window window_;
  Shape x_;
  Strides x_strides_;
  Shape y_;
};

/// x[place of winner[o]] += g[o]
template <class E, class I>
std::unique_ptr<Kernel> make_scatter(const Window& window, const Operands& o) {
  const Operand &g = o.in[0], &winner = o.in[1], &x = o.out[0];
  const Shape plane = spatial_of(g.shape), x_plane = spatial_of(x.shape);
  const WinnerPlaces places(window, x_plane, row_major_strides(x_plane), plane);
  const Walk store = plane_walk(x),
             windows(plane, {row_major_strides(plane), spatial_of(g.strides), spatial_of(winner.strides)});
  std::vector<Wide<E>> sums(static_cast<size_t>(element_count(x_plane)));
  return make_kernel([=, shape = g.shape, dtype = x.dtype,
                      strides = std::vector<Strides>{g.strides, winner.strides, x.strides}](
                         Sources in, Targets out) mutable {
    each_plane(shape, strides, [&](const int64_t* at) {
      std::ranges::fill(sums, Wide<E>{0});
      windows.rows([&](const int64_t* w) {
        for (int64_t j = 0; j < windows.row_extent(); ++j) {
          const int64_t tap = in_as<I>(in[1])[at[1] + w[2] + j * windows.step(2)];
          const int64_t place = places(w[0] + j * windows.step(0), tap);
          if (place < 0) continue;
          Wide<E>& sum = sums[static_cast<size_t>(place)];
          sum = plus(sum, Wide<E>{in_as<E>(in[0])[at[0] + w[1] + j * windows.step(1)]});
        }
      });
      each_place(store, [&](size_t i, int64_t to) {
        out_as<E>(out[0])[at[2] + to] = to_element<E>(dtype, sums[i]);
      });
    });
  });
}

/// y[o] = x[place of winner[o]], 0 where that is padding
template <class E, class I>
std::unique_ptr<Kernel> make_gather(const Window& window, const Operands& o) {
  const Operand &x = o.in[0], &winner = o.in[1], &y = o.out[0];
  const Shape plane = spatial_of(y.shape);
  const WinnerPlaces places(window, spatial_of(x.shape), spatial_of(x.strides), plane);
  const Walk windows(plane, {row_major_strides(plane), spatial_of(winner.strides), spatial_of(y.strides)});
  return make_kernel(
      [=, shape = y.shape, strides = std::vector<Strides>{x.strides, winner.strides, y.strides}](
          Sources in, Targets out) {
        each_plane(shape, strides, [&](const int64_t* at) {
          windows.rows([&](const int64_t* w) {
            for (int64_t j = 0; j < windows.row_extent(); ++j) {
              const int64_t tap = in_as<I>(in[1])[at[1] + w[1] + j * windows.step(1)];
              const int64_t place = places(w[0] + j * windows.step(0), tap);
              out_as<E>(out[0])[at[2] + w[2] + j * windows.step(2)] =
                  place < 0 ? E{0} : in_as<E>(in[0])[at[0] + place];
            }
          });
        });
      });
}

/// y[o] = sum over tap of x[o * stride - pad + tap * dilation], or with `adjoint` x[i] = sum over the windows
/// of i of g[o].
template <class E>
std::unique_ptr<Kernel> make_sum_pool(const Window& window, const Operand& src, const Operand& dst,
                                      bool adjoint) {
  const Shape plane = spatial_of(dst.shape), from = spatial_of(src.shape);
  const Strides dense = row_major_strides(plane), src_strides = spatial_of(src.strides);
  const WindowRows rows = adjoint ? WindowRows(window, plane, dense, from, src_strides)
                                  : WindowRows(window, from, src_strides, plane, dense);
  const Walk store = plane_walk(dst);
  std::vector<Wide<E>> sums(static_cast<size_t>(element_count(plane)));
  return make_kernel(
      [=, shape = dst.shape, dtype = dst.dtype, strides = std::vector<Strides>{src.strides, dst.strides}](
          Sources in, Targets out) mutable {
        const int64_t from_step = adjoint ? rows.y_step : rows.x_step,
                      to_step = adjoint ? rows.x_step : rows.y_step;
        each_plane(shape, strides, [&](const int64_t* at) {
          std::ranges::fill(sums, Wide<E>{0});
          for (int64_t tap = 0; tap < rows.tap_count(); ++tap) {
            for (const TapRow& row : rows[tap]) {
              const E* s = in_as<E>(in[0]) + at[0] + (adjoint ? row.y : row.x);
              Wide<E>* d = sums.data() + (adjoint ? row.x : row.y);
              for (int64_t j = 0; j < row.extent; ++j)
                d[j * to_step] = plus(d[j * to_step], Wide<E>{s[j * from_step]});
            }
          }
          each_place(store, [&](size_t i, int64_t to) {
            out_as<E>(out[0])[at[1] + to] = to_element<E>(dtype, sums[i]);
          });
        });
      });
}

/// Calls f with the types of the data and of the winners.
template <class T, class F>
std::unique_ptr<Kernel> with_winner(DType data, DType winner, F f) {
  return with_storage<T>(data, [&]<class E>(std::type_identity<E> e) {
    if (storage_of(winner) == Storage::byte) return f(e, std::type_identity<uint8_t>{});
    require(storage_of(winner) == Storage::int64, ErrorCode::unsupported, "winners of a pooling held as {}",
            name_of(winner));
    return f(e, std::type_identity<int64_t>{});
  });
}

}  // namespace

template <class T>
std::unique_ptr<Kernel> compile(const MaxPool& p, const Operands& o) {
  require_alike("max_pool", o.in[0], o.out[0]);
  return with_winner<T>(o.in[0].dtype, o.out[1].dtype,
                        [&]<class E, class I>(std::type_identity<E>, std::type_identity<I>) {
                          return make_max_pool<E, I>(p.window, o);
                        });
}

template <class T>
std::unique_ptr<Kernel> compile(const MaxPoolScatter& p, const Operands& o) {
  require_alike("max_pool_scatter", o.in[0], o.out[0]);
  return with_winner<T>(o.in[0].dtype, o.in[1].dtype,
                        [&]<class E, class I>(std::type_identity<E>, std::type_identity<I>) {
                          return make_scatter<E, I>(p.window, o);
                        });
}

template <class T>
std::unique_ptr<Kernel> compile(const MaxPoolGather& p, const Operands& o) {
  require_alike("max_pool_gather", o.in[0], o.out[0]);
  return with_winner<T>(o.in[0].dtype, o.in[1].dtype,
                        [&]<class E, class I>(std::type_identity<E>, std::type_identity<I>) {
                          return make_gather<E, I>(p.window, o);
                        });
}

template <class T>
std::unique_ptr<Kernel> compile(const SumPool& p, const Operands& o) {
  require_alike("sum_pool", o.in[0], o.out[0]);
  return with_storage<T>(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    return make_sum_pool<E>(p.window, o.in[0], o.out[0], false);
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const SumPoolInput& p, const Operands& o) {
  require_alike("sum_pool_input", o.in[0], o.out[0]);
  return with_storage<T>(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    return make_sum_pool<E>(p.window, o.in[0], o.out[0], true);
  });
}

template std::unique_ptr<Kernel> compile<float>(const MaxPool&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const MaxPool&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const MaxPoolScatter&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const MaxPoolScatter&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const MaxPoolGather&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const MaxPoolGather&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const SumPool&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const SumPool&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const SumPoolInput&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const SumPoolInput&, const Operands&);

}  // namespace onnxray::reference
