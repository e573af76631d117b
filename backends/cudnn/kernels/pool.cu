#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/window_taps.h"

namespace onnxray::cudnn {

namespace {

/// y[o] = max over taps of x, with the first tap that reaches it.
template <class E, class I>
struct MaxOfWindow {
  const E* x;
  E* y;
  I* winner;
  WindowTaps taps;  // sets: x, y, winner
  E lowest;

  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = taps.of_y(i);
    E best = lowest;
    int64_t best_tap = -1;
    taps.each_tap(at, [&](int64_t tap, int64_t place) {
      const E value = x[place];
      if (best_tap >= 0 && !(value > best) && !(is_nan(Number{value}) && !is_nan(Number{best}))) return;
      best = value;
      best_tap = tap;
    });
    y[at.offset[1]] = best;
    winner[at.offset[2]] = static_cast<I>(best_tap < 0 ? 0 : best_tap);
  }

 private:
  using Number = std::conditional_t<std::is_floating_point_v<E>, float, Whole>;
};

/// y[o] = x at the tap that winner[o] names, 0 in the padding.
template <class E, class I>
struct ReadWinner {
  const E* x;
  const I* winner;
  E* y;
  WindowTaps taps;  // sets: x, y, winner
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = taps.of_y(i);
    const int64_t place = taps.place_in_x(at, static_cast<int64_t>(winner[at.offset[2]]));
    y[at.offset[1]] = place < 0 ? E{0} : x[place];
  }
};

/// x[i] = sum of g over the windows whose winner is i: in gather form, so that no two threads write one
/// place.
template <class E, class I>
struct AddWinners {
  const E* g;
  const I* winner;
  E* x;
  WindowTaps taps;  // sets: x, y (of g), winner
  StoreAs store;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = taps.of_x(i);
    Wide<E> sum = 0;
    taps.each_window(at, [&](int64_t tap, int64_t at_g, int64_t at_winner) {
      if (static_cast<int64_t>(winner[at_winner]) == tap) sum = op_add(sum, Wide<E>{g[at_g]});
    });
    x[at.offset[0]] = store.to<E>(sum);
  }
};

/// y[o] = sum over taps of x.
template <class E>
struct SumOfWindow {
  const E* x;
  E* y;
  WindowTaps taps;  // sets: x, y
  StoreAs store;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = taps.of_y(i);
    Wide<E> sum = 0;
    taps.each_tap(at, [&](int64_t, int64_t place) { sum = op_add(sum, Wide<E>{x[place]}); });
    y[at.offset[1]] = store.to<E>(sum);
  }
};

/// x[i] = sum of g over the windows that hold i.
template <class E>
struct SumOfWindows {
  const E* g;
  E* x;
  WindowTaps taps;  // sets: x, y (of g)
  StoreAs store;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = taps.of_x(i);
    Wide<E> sum = 0;
    taps.each_window(at, [&](int64_t, int64_t at_g, int64_t) { sum = op_add(sum, Wide<E>{g[at_g]}); });
    x[at.offset[0]] = store.to<E>(sum);
  }
};

/// Calls f with the types of the data and of the winners.
template <class F>
std::unique_ptr<DeviceStep> with_winner(DType data, DType winner, F f) {
  if (storage_of(winner) == Storage::real) return nullptr;
  return with_storage(data, [&]<class E>(std::type_identity<E> e) {
    if (storage_of(winner) == Storage::byte) return f(e, std::type_identity<unsigned char>{});
    return f(e, std::type_identity<Whole>{});
  });
}

}  // namespace

std::unique_ptr<DeviceStep> compile(const MaxPool& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0], &winner = o.out[1];
  if (!alike(x, y)) return nullptr;
  const WindowTaps taps = make_taps(p.window, x, y, &winner);
  return with_winner(
      x.dtype, winner.dtype, [&]<class E, class I>(std::type_identity<E>, std::type_identity<I>) {
        return make_step([taps, count = element_count(y.shape), lowest = lowest_of<E>(x.dtype)](
                             const Launch& l, Sources in, Targets out) {
          for_each(l.stream, count,
                   MaxOfWindow<E, I>{in_as<E>(in[0]), out_as<E>(out[0]), out_as<I>(out[1]), taps, lowest});
        });
      });
}

std::unique_ptr<DeviceStep> compile(const MaxPoolScatter& p, const Operands& o) {
  const Operand &g = o.in[0], &winner = o.in[1], &x = o.out[0];
  if (!alike(x, g)) return nullptr;
  const WindowTaps taps = make_taps(p.window, x, g, &winner);
  return with_winner(
      x.dtype, winner.dtype, [&]<class E, class I>(std::type_identity<E>, std::type_identity<I>) {
        return make_step([taps, count = element_count(x.shape), store = store_as(x.dtype)](
                             const Launch& l, Sources in, Targets out) {
          for_each(l.stream, count,
                   AddWinners<E, I>{in_as<E>(in[0]), in_as<I>(in[1]), out_as<E>(out[0]), taps, store});
        });
      });
}

std::unique_ptr<DeviceStep> compile(const MaxPoolGather& p, const Operands& o) {
  const Operand &x = o.in[0], &winner = o.in[1], &y = o.out[0];
  if (!alike(x, y)) return nullptr;
  const WindowTaps taps = make_taps(p.window, x, y, &winner);
  return with_winner(
      x.dtype, winner.dtype, [&]<class E, class I>(std::type_identity<E>, std::type_identity<I>) {
        return make_step([taps, count = element_count(y.shape)](const Launch& l, Sources in, Targets out) {
          for_each(l.stream, count,
                   ReadWinner<E, I>{in_as<E>(in[0]), in_as<I>(in[1]), out_as<E>(out[0]), taps});
        });
      });
}

std::unique_ptr<DeviceStep> compile(const SumPool& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  if (!alike(x, y)) return nullptr;
  const WindowTaps taps = make_taps(p.window, x, y, nullptr);
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([taps, count = element_count(y.shape), store = store_as(y.dtype)](
                         const Launch& l, Sources in, Targets out) {
      for_each(l.stream, count, SumOfWindow<E>{in_as<E>(in[0]), out_as<E>(out[0]), taps, store});
    });
  });
}

std::unique_ptr<DeviceStep> compile(const SumPoolInput& p, const Operands& o) {
  const Operand &g = o.in[0], &x = o.out[0];
  if (!alike(x, g)) return nullptr;
  const WindowTaps taps = make_taps(p.window, x, g, nullptr);
  return with_storage(x.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([taps, count = element_count(x.shape), store = store_as(x.dtype)](
                         const Launch& l, Sources in, Targets out) {
      for_each(l.stream, count, SumOfWindows<E>{in_as<E>(in[0]), out_as<E>(out[0]), taps, store});
    });
  });
}

}  // namespace onnxray::cudnn
