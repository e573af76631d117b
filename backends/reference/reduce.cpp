#include <cmath>

#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"
#include "backends/top_of_lane.h"

namespace onnxray::reference {

namespace {

template <class E>
Wide<E> neutral(Reduce::Kind kind, DType dtype) {
  constexpr bool kReal = std::is_floating_point_v<E>;
  switch (kind) {
    case Reduce::Kind::sum: return 0;
    case Reduce::Kind::prod: return 1;
    case Reduce::Kind::max:
      return kReal ? -std::numeric_limits<Wide<E>>::infinity() : Wide<E>{lowest_of<E>(dtype)};
    case Reduce::Kind::min:
      return kReal ? std::numeric_limits<Wide<E>>::infinity() : Wide<E>{largest_of<E>(dtype)};
  }
  return 0;
}

template <class E, class F>
void fold_rows(const Walk& walk, const E* x, Wide<E>* sums, F fold) {
  const int64_t n = walk.row_extent(), from = walk.step(0), to = walk.step(1);
  walk.rows([&](const int64_t* at) {
    for (int64_t i = 0; i < n; ++i) {
      Wide<E>& sum = sums[at[1] + i * to];
      sum = fold(sum, Wide<E>{x[at[0] + i * from]});
    }
  });
}

template <class E>
std::unique_ptr<Kernel> make_reduce(Reduce::Kind kind, const Operand& x, const Operand& y) {
  const Strides dense = row_major_strides(y.shape);
  const Walk walk(x.shape, {x.strides, broadcast_strides(y.shape, dense, x.shape.size())},
                  Walk::Order::fastest);
  const Walk store(y.shape, {y.strides, dense});
  std::vector<Wide<E>> sums(static_cast<size_t>(element_count(y.shape)));
  return make_kernel([=, dtype = y.dtype](Sources in, Targets out) mutable {
    using W = Wide<E>;
    std::ranges::fill(sums, neutral<E>(kind, dtype));
    const E* src = in_as<E>(in[0]);
    switch (kind) {
      case Reduce::Kind::sum: fold_rows(walk, src, sums.data(), [](W a, W b) { return plus(a, b); }); break;
      case Reduce::Kind::prod: fold_rows(walk, src, sums.data(), [](W a, W b) { return times(a, b); }); break;
      case Reduce::Kind::max: fold_rows(walk, src, sums.data(), [](W a, W b) { return larger(a, b); }); break;
      case Reduce::Kind::min:
        fold_rows(walk, src, sums.data(), [](W a, W b) { return smaller(a, b); });
        break;
    }
    E* dst = out_as<E>(out[0]);
    store.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < store.row_extent(); ++i) {
        dst[at[0] + i * store.step(0)] =
            to_element<E>(dtype, sums[static_cast<size_t>(at[1] + i * store.step(1))]);
      }
    });
  });
}

/// Whether `x` replaces `best`. NaN beats every number.
template <class E>
bool wins(const ArgReduce& p, E x, E best) {
  if (is_nan(best)) return is_nan(x) && p.last_on_ties;
  if (is_nan(x)) return true;
  if (x == best) return p.last_on_ties;
  return p.largest ? x > best : x < best;
}

template <class E>
std::unique_ptr<Kernel> make_arg_reduce(const ArgReduce& p, const Operand& x, const Operand& y) {
  const Lanes lanes(y.shape, p.axis, y.strides, x.strides);
  const int64_t extent = x.shape[static_cast<size_t>(p.axis)];
  return make_kernel([=](Sources in, Targets out) {
    const E* src = in_as<E>(in[0]);
    lanes.each([&](int64_t to, int64_t from) {
      int64_t best = 0;
      for (int64_t i = 1; i < extent; ++i) {
        if (wins(p, src[from + i * lanes.x_step], src[from + best * lanes.x_step])) best = i;
      }
      out_as<int64_t>(out[0])[to] = best;
    });
  });
}

template <class E>
std::unique_ptr<Kernel> make_cum_sum(const CumSum& p, const Operand& x, const Operand& y) {
  const int64_t axis = normalise_axis(p.axis, x.shape.size());
  const Lanes lanes(x.shape, axis, y.strides, x.strides);
  const int64_t extent = x.shape[static_cast<size_t>(axis)];
  return make_kernel([=, dtype = y.dtype](Sources in, Targets out) {
    const E* src = in_as<E>(in[0]);
    E* dst = out_as<E>(out[0]);
    lanes.each([&](int64_t to, int64_t from) {
      Wide<E> sum = 0;
      for (int64_t i = 0; i < extent; ++i) {
        const int64_t at = p.reverse ? extent - 1 - i : i;
        const Wide<E> with = plus(sum, Wide<E>{src[from + at * lanes.x_step]});
        dst[to + at * lanes.y_step] = to_element<E>(dtype, p.exclusive ? sum : with);
        sum = with;
      }
    });
  });
}

}  // namespace

template <class T>
std::unique_ptr<Kernel> compile(const Reduce& p, const Operands& o) {
  require_alike("reduce", o.in[0], o.out[0]);
  return with_storage<T>(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    return make_reduce<E>(p.kind, o.in[0], o.out[0]);
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const ArgReduce& p, const Operands& o) {
  return with_storage<T>(o.in[0].dtype, [&]<class E>(std::type_identity<E>) {
    return make_arg_reduce<E>(p, o.in[0], o.out[0]);
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const TopK& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  const Lanes lanes(y.shape, p.axis, y.strides, x.strides);
  return with_storage<T>(x.dtype, [&]<class E>(std::type_identity<E>) {
    std::vector<int64_t> places(static_cast<size_t>(x.shape[static_cast<size_t>(p.axis)]));
    return make_kernel([=](Sources in, Targets out) mutable {
      lanes.each([&](int64_t to, int64_t from) {
        top_of_lane(in_as<E>(in[0]) + from, lanes.x_step, std::span(places), p.count, p.largest,
                    out_as<int64_t>(out[0]) + to, lanes.y_step);
      });
    });
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const CumSum& p, const Operands& o) {
  require_alike("cum_sum", o.in[0], o.out[0]);
  return with_storage<T>(
      o.out[0].dtype, [&]<class E>(std::type_identity<E>) { return make_cum_sum<E>(p, o.in[0], o.out[0]); });
}

/// y = exp(x - m) / sum exp(x - m), or its logarithm x - m - log(sum exp(x - m)), with m = max x.
template <class T>
std::unique_ptr<Kernel> compile(const Softmax& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  require(is_floating(x.dtype) && is_floating(y.dtype), ErrorCode::unsupported,
          "softmax of {}: cast it to a real first", name_of(x.dtype));
  const int64_t axis = normalise_axis(p.axis, x.shape.size());
  const Lanes lanes(x.shape, axis, y.strides, x.strides);
  const int64_t extent = x.shape[static_cast<size_t>(axis)];
  return make_kernel([=, logarithm = p.logarithm](Sources in, Targets out) {
    lanes.each([&](int64_t to, int64_t from) {
      const T* src = in_as<T>(in[0]) + from;
      T* dst = out_as<T>(out[0]) + to;
      double m = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t i = 0; i < extent; ++i) m = larger(m, double{src[i * lanes.x_step]});
      for (int64_t i = 0; i < extent; ++i) sum += std::exp(double{src[i * lanes.x_step]} - m);
      for (int64_t i = 0; i < extent; ++i) {
        const double d = double{src[i * lanes.x_step]} - m;
        dst[i * lanes.y_step] = static_cast<T>(logarithm ? d - std::log(sum) : std::exp(d) / sum);
      }
    });
  });
}

template std::unique_ptr<Kernel> compile<float>(const Reduce&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Reduce&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const ArgReduce&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const ArgReduce&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const TopK&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const TopK&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const CumSum&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const CumSum&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const Softmax&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Softmax&, const Operands&);

}  // namespace onnxray::reference
