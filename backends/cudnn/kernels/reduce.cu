#include <algorithm>
#include <limits>

#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"

namespace onnxray::cudnn {

namespace {

/// Rows shorter than this are summed by one thread each.
constexpr int64_t kWideFrom = 64;
/// Fewer rows than this leave multiprocessors idle, so that long rows are cut into parts.
constexpr int64_t kFewRows = 512, kLongRow = 1 << 14;

template <class W>
struct Fold {
  Reduce::Kind kind;
  W start;
  ONNXRAY_DEVICE W neutral() const { return start; }
  ONNXRAY_DEVICE W combine(W a, W b) const {
    switch (kind) {
      case Reduce::Kind::sum: return op_add(a, b);
      case Reduce::Kind::prod: return op_mul(a, b);
      case Reduce::Kind::max: return op_max(a, b);
      case Reduce::Kind::min: return op_min(a, b);
    }
    return a;
  }
};

/// Folds part `part` of every row of x into partial[row * parts + part].
template <class E>
struct FoldPart : Fold<Wide<E>> {
  const E* x;
  Wide<E>* partial;
  Places<2> kept;     // sets: y, x
  Places<1> reduced;  // set: x
  int64_t parts, length, extent;
  ONNXRAY_DEVICE Wide<E> at(int64_t row, int64_t k) const {
    const int64_t place = row % parts * length + k;
    if (place >= extent) return this->start;
    return Wide<E>{x[kept(row / parts).offset[1] + reduced(place).offset[0]]};
  }
  ONNXRAY_DEVICE void store(int64_t row, Wide<E> sum) const { partial[row] = sum; }
};

template <class E>
struct FoldPartials : Fold<Wide<E>> {
  const Wide<E>* partial;
  E* y;
  Places<2> kept;
  int64_t parts;
  StoreAs as;
  ONNXRAY_DEVICE Wide<E> at(int64_t row, int64_t k) const { return partial[row * parts + k]; }
  ONNXRAY_DEVICE void store(int64_t row, Wide<E> sum) const { y[kept(row).offset[0]] = as.to<E>(sum); }
};

template <class E>
struct FoldRow : Fold<Wide<E>> {
  const E* x;
  E* y;
  Places<2> kept;
  Places<1> reduced;
  StoreAs as;
  ONNXRAY_DEVICE Wide<E> at(int64_t row, int64_t k) const {
    return Wide<E>{x[kept(row).offset[1] + reduced(k).offset[0]]};
  }
  ONNXRAY_DEVICE void store(int64_t row, Wide<E> sum) const { y[kept(row).offset[0]] = as.to<E>(sum); }
};

template <class E>
Wide<E> start_of(Reduce::Kind kind, DType dtype) {
  constexpr bool kReal = std::is_floating_point_v<E>;
  switch (kind) {
    case Reduce::Kind::sum: return 0;
    case Reduce::Kind::prod: return 1;
    case Reduce::Kind::max:
      return kReal ? -std::numeric_limits<Wide<E>>::infinity() : static_cast<Wide<E>>(lowest_of<E>(dtype));
    case Reduce::Kind::min:
      return kReal ? std::numeric_limits<Wide<E>>::infinity() : static_cast<Wide<E>>(largest_of<E>(dtype));
  }
  return 0;
}

/// The lanes along one axis of x and y, whose shapes agree elsewhere.
struct Lanes {
  Lanes(const Shape& shape, int64_t axis, const Operand& y, const Operand& x)
      : places(make_places<2>(without(shape, axis), {without(y.strides, axis), without(x.strides, axis)},
                              LoopOrder::memory)),
        count(element_count(without(shape, axis))),
        extent(x.shape[static_cast<size_t>(axis)]),
        y_step(y.strides[static_cast<size_t>(axis)]),
        x_step(x.strides[static_cast<size_t>(axis)]) {}
  Places<2> places;
  int64_t count, extent, y_step, x_step;
  bool wide() const { return extent >= kWideFrom && (x_step == 1 || count < kFewRows); }
};

template <class E>
struct ArgWinner {
  struct Value {
    E x;
    int64_t at;  // -1: none yet
  };
  const E* x;
  Whole* y;
  Lanes lanes;
  bool largest, last_on_ties;

  ONNXRAY_DEVICE Value neutral() const { return {E{0}, -1}; }
  ONNXRAY_DEVICE Value at(int64_t row, int64_t k) const {
    return {x[lanes.places(row).offset[1] + k * lanes.x_step], k};
  }
  /// NaN beats every number; of equals the first, or the last.
  ONNXRAY_DEVICE Value combine(Value a, Value b) const {
    if (a.at < 0) return b;
    if (b.at < 0) return a;
    using Number = std::conditional_t<std::is_floating_point_v<E>, float, Whole>;
    const bool a_nan = is_nan(Number{a.x}), b_nan = is_nan(Number{b.x});
    if (a_nan != b_nan) return a_nan ? a : b;
    if (a_nan || a.x == b.x) return (a.at < b.at) != last_on_ties ? a : b;
    return (a.x > b.x) == largest ? a : b;
  }
  ONNXRAY_DEVICE void store(int64_t row, Value best) const {
    y[lanes.places(row).offset[0]] = best.at < 0 ? 0 : best.at;
  }
};

template <class E>
struct RunningSum {
  const E* x;
  E* y;
  Lanes lanes;
  bool exclusive, reverse;
  StoreAs as;
  ONNXRAY_DEVICE void operator()(int64_t lane) const {
    const auto at = lanes.places(lane);
    Wide<E> sum = 0;
    for (int64_t i = 0; i < lanes.extent; ++i) {
      const int64_t place = reverse ? lanes.extent - 1 - i : i;
      const Wide<E> with = op_add(sum, Wide<E>{x[at.offset[1] + place * lanes.x_step]});
      y[at.offset[0] + place * lanes.y_step] = as.to<E>(exclusive ? sum : with);
      sum = with;
    }
  }
};

/// One thread per entry counts those that come before it, which is its place among the largest: no thread
/// waits for another, and equal entries keep their order.
template <class E>
struct PlaceAmongLargest {
  using Number = std::conditional_t<std::is_floating_point_v<E>, float, Whole>;
  const E* x;
  Whole* y;
  Lanes lanes;  // of y and x; extent is x's
  int64_t count;
  bool largest;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const int64_t own = i % lanes.extent;
    const auto at = lanes.places(i / lanes.extent);
    const auto entry = [&](int64_t k) { return Number{x[at.offset[1] + k * lanes.x_step]}; };
    const Number mine = entry(own);
    int64_t place = 0;
    for (int64_t k = 0; k < lanes.extent && place < count; ++k) {
      const Number other = entry(k);
      if (orders_before(mine, other) ? largest : orders_before(other, mine) ? !largest : k < own) ++place;
    }
    if (place < count) y[at.offset[0] + place * lanes.y_step] = own;
  }

 private:
  /// Every NaN stands behind all numbers.
  ONNXRAY_DEVICE static bool orders_before(Number a, Number b) {
    if (is_nan(a) || is_nan(b)) return !is_nan(a);
    return a < b;
  }
};

/// m = max x and s = sum exp(x - m) of a lane, in one pass: two parts join as m = max(m1, m2),
/// s = s1 exp(m1 - m) + s2 exp(m2 - m).
struct SoftmaxStatistics {
  struct Value {
    double m, s;
  };
  const float* x;
  Value* statistics;
  Lanes lanes;
  ONNXRAY_DEVICE Value neutral() const { return {-INFINITY, 0}; }
  ONNXRAY_DEVICE Value at(int64_t row, int64_t k) const {
    return {double{x[lanes.places(row).offset[1] + k * lanes.x_step]}, 1};
  }
  ONNXRAY_DEVICE Value combine(Value a, Value b) const {
    if (a.s == 0) return b;
    if (b.s == 0) return a;
    const double m = op_max(a.m, b.m);
    // exp(0) where both are -inf or both +inf would be exp(NaN).
    const double fa = a.m == m ? 1 : exp(a.m - m), fb = b.m == m ? 1 : exp(b.m - m);
    return {m, a.s * fa + b.s * fb};
  }
  ONNXRAY_DEVICE void store(int64_t row, Value value) const { statistics[row] = value; }
};

struct SoftmaxOf {
  const float* x;
  float* y;
  const SoftmaxStatistics::Value* statistics;
  Lanes lanes;
  bool logarithm;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    // Neighbouring numbers are neighbours in memory: along the axis where that is dense, else across lanes.
    const bool along = lanes.x_step == 1;
    const int64_t lane = along ? i / lanes.extent : i % lanes.count,
                  k = along ? i % lanes.extent : i / lanes.count;
    const auto at = lanes.places(lane);
    const SoftmaxStatistics::Value value = statistics[lane];
    // m - m: a row with NaN or +inf, or of -inf alone, is NaN as a whole.
    const double d = double{x[at.offset[1] + k * lanes.x_step]} - value.m + (value.m - value.m);
    y[at.offset[0] + k * lanes.y_step] = static_cast<float>(logarithm ? d - log(value.s) : exp(d) / value.s);
  }
};

template <class E>
std::unique_ptr<DeviceStep> make_reduce(const Reduce& p, const Operand& x, const Operand& y) {
  using W = Wide<E>;
  Shape reduced_shape(x.shape.size(), 1);
  Strides kept_strides = x.strides;
  for (const int64_t a : p.axes) {
    reduced_shape[static_cast<size_t>(a)] = x.shape[static_cast<size_t>(a)];
    kept_strides[static_cast<size_t>(a)] = 0;
  }
  const auto kept = make_places<2>(y.shape, {y.strides, kept_strides}, LoopOrder::memory);
  const auto reduced = make_places<1>(reduced_shape, {x.strides}, LoopOrder::memory);
  const int64_t rows = element_count(y.shape), extent = element_count(reduced_shape);
  const Fold<W> fold{p.kind, start_of<E>(p.kind, y.dtype)};
  const StoreAs as = store_as(y.dtype);
  if (rows < kFewRows && extent >= kLongRow) {
    const int64_t parts = std::min<int64_t>(kFewRows / std::max<int64_t>(rows, 1) + 1, extent / 1024);
    const int64_t length = (extent + parts - 1) / parts;
    return make_step(
        [=](const Launch& l, Sources in, Targets out) {
          W* partial = out_as<W>(l.workspace);
          reduce_rows(l.stream, rows * parts, length, true,
                      FoldPart<E>{fold, in_as<E>(in[0]), partial, kept, reduced, parts, length, extent});
          reduce_rows(l.stream, rows, parts, true,
                      FoldPartials<E>{fold, partial, out_as<E>(out[0]), kept, parts, as});
        },
        rows * parts * static_cast<int64_t>(sizeof(W)));
  }
  const bool dense = reduced.strides[0][reduced.rank - 1] == 1;
  const bool wide = extent >= kWideFrom && (dense || rows < kFewRows);
  return make_step([=](const Launch& l, Sources in, Targets out) {
    reduce_rows(l.stream, rows, extent, wide,
                FoldRow<E>{fold, in_as<E>(in[0]), out_as<E>(out[0]), kept, reduced, as});
  });
}

}  // namespace

std::unique_ptr<DeviceStep> compile(const Reduce& p, const Operands& o) {
  if (!alike(o.in[0], o.out[0])) return nullptr;
  return with_storage(o.out[0].dtype,
                      [&]<class E>(std::type_identity<E>) { return make_reduce<E>(p, o.in[0], o.out[0]); });
}

std::unique_ptr<DeviceStep> compile(const ArgReduce& p, const Operands& o) {
  const Lanes lanes(o.out[0].shape, p.axis, o.out[0], o.in[0]);
  return with_storage(o.in[0].dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=](const Launch& l, Sources in, Targets out) {
      reduce_rows(l.stream, lanes.count, lanes.extent, lanes.wide(),
                  ArgWinner<E>{in_as<E>(in[0]), out_as<Whole>(out[0]), lanes, p.largest, p.last_on_ties});
    });
  });
}

std::unique_ptr<DeviceStep> compile(const TopK& p, const Operands& o) {
  // Every entry is compared with every other of its lane: a CPU sorts longer ones sooner.
  constexpr int64_t kLongestLane = 1 << 18;
  const Lanes lanes(o.out[0].shape, p.axis, o.out[0], o.in[0]);
  if (lanes.extent > kLongestLane) return nullptr;
  return with_storage(o.in[0].dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=](const Launch& l, Sources in, Targets out) {
      for_each(l.stream, lanes.count * lanes.extent,
               PlaceAmongLargest<E>{in_as<E>(in[0]), out_as<Whole>(out[0]), lanes, p.count, p.largest});
    });
  });
}

std::unique_ptr<DeviceStep> compile(const CumSum& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  if (!alike(x, y)) return nullptr;
  const Lanes lanes(x.shape, normalise_axis(p.axis, x.shape.size()), y, x);
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, as = store_as(y.dtype)](const Launch& l, Sources in, Targets out) {
      for_each(l.stream, lanes.count,
               RunningSum<E>{in_as<E>(in[0]), out_as<E>(out[0]), lanes, p.exclusive, p.reverse, as});
    });
  });
}

/// y = exp(x - m) / s, or its logarithm x - m - log s.
std::unique_ptr<DeviceStep> compile(const Softmax& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  if (!is_floating(x.dtype) || !is_floating(y.dtype)) return nullptr;
  const Lanes lanes(x.shape, normalise_axis(p.axis, x.shape.size()), y, x);
  using Value = SoftmaxStatistics::Value;
  return make_step(
      [=, logarithm = p.logarithm](const Launch& l, Sources in, Targets out) {
        Value* statistics = out_as<Value>(l.workspace);
        reduce_rows(l.stream, lanes.count, lanes.extent, lanes.wide(),
                    SoftmaxStatistics{in_as<float>(in[0]), statistics, lanes});
        for_each(l.stream, lanes.count * lanes.extent,
                 SoftmaxOf{in_as<float>(in[0]), out_as<float>(out[0]), statistics, lanes, logarithm});
      },
      lanes.count * static_cast<int64_t>(sizeof(Value)));
}

}  // namespace onnxray::cudnn
