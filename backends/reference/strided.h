#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

#include "backends/loop_nest.h"

namespace onnxray::reference {

/// Visits the elements of a shape along several stride sets at once, a row at a time. Axes of extent 1 are
/// dropped and neighbouring axes merged where every stride set allows it, so rows are as long as they can be.
class Walk {
 public:
  /// row_major: in logical order. fastest: in the order in which the first stride set ascends through memory.
  enum class Order : uint8_t { row_major, fastest };

  Walk(const Shape& shape, std::vector<Strides> strides, Order order = Order::row_major)
      : sets_(strides.size()) {
    for (const int64_t extent : shape) empty_ = empty_ || extent == 0;
    std::vector<size_t> axes;
    for (size_t a = 0; a < shape.size(); ++a) {
      if (shape[a] != 1) axes.push_back(a);
    }
    if (order == Order::fastest && sets_ > 0) {
      std::ranges::stable_sort(axes, std::ranges::greater{},
                               [&](size_t a) { return std::abs(strides[0][a]); });
    }
    for (const size_t a : axes) append(shape[a], a, strides);
    if (extents_.empty()) append_unit();
  }

  /// Elements of a row, and the distance between its elements in stride set `s`.
  int64_t row_extent() const { return extents_.back(); }
  int64_t step(size_t s) const { return strides_.back()[s]; }

  /// Calls f(offsets) with the offset of each row's first element in every stride set.
  template <class F>
  void rows(F&& f) const {
    if (empty_) return;
    const size_t outer = extents_.size() - 1;
    std::vector<int64_t> index(outer, 0), offsets(sets_, 0);
    while (true) {
      f(static_cast<const int64_t*>(offsets.data()));
      size_t a = outer;
      for (; a > 0; --a) {
        const std::vector<int64_t>& strides = strides_[a - 1];
        if (++index[a - 1] < extents_[a - 1]) {
          for (size_t s = 0; s < sets_; ++s) offsets[s] += strides[s];
          break;
        }
        index[a - 1] = 0;
        for (size_t s = 0; s < sets_; ++s) offsets[s] -= strides[s] * (extents_[a - 1] - 1);
      }
      if (a == 0) return;
    }
  }

 private:
  void append(int64_t extent, size_t axis, const std::vector<Strides>& strides) {
    std::vector<int64_t> step;
    for (const Strides& set : strides) step.push_back(set[axis]);
    bool merges = !extents_.empty();
    for (size_t s = 0; merges && s < sets_; ++s) merges = strides_.back()[s] == step[s] * extent;
    if (merges) {
      extents_.back() *= extent;
      strides_.back() = std::move(step);
      return;
    }
    extents_.push_back(extent);
    strides_.push_back(std::move(step));
  }

  void append_unit() {
    extents_.push_back(1);
    strides_.push_back(std::vector<int64_t>(sets_, 0));
  }

  size_t sets_;
  bool empty_ = false;
  std::vector<int64_t> extents_;
  std::vector<std::vector<int64_t>> strides_;  // by axis, then by set
};

/// A prepared copy of elements of type E between two layouts of one shape.
template <class E>
class StridedCopy {
 public:
  StridedCopy(const Shape& shape, const Strides& dst, const Strides& src)
      : walk_(shape, {dst, src}, Walk::Order::fastest) {}

  void run(E* dst, const E* src) const {
    const int64_t n = walk_.row_extent(), to = walk_.step(0), from = walk_.step(1);
    walk_.rows([&](const int64_t* at) {
      E* d = dst + at[0];
      const E* s = src + at[1];
      if (to == 1 && from == 1) {
        std::memcpy(d, s, static_cast<size_t>(n) * sizeof(E));
      } else if (from == 0) {
        for (int64_t i = 0; i < n; ++i) d[i * to] = *s;
      } else {
        for (int64_t i = 0; i < n; ++i) d[i * to] = s[i * from];
      }
    });
  }

 private:
  Walk walk_;
};

/// The lanes along one axis of two operands whose shapes agree elsewhere.
class Lanes {
 public:
  Lanes(const Shape& shape, int64_t axis, const Strides& y, const Strides& x)
      : y_step(y[static_cast<size_t>(axis)]),
        x_step(x[static_cast<size_t>(axis)]),
        walk_(without(shape, axis), {without(y, axis), without(x, axis)}) {}

  /// Calls f(y, x) with the offsets of each lane's first element.
  template <class F>
  void each(F&& f) const {
    walk_.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < walk_.row_extent(); ++i)
        f(at[0] + i * walk_.step(0), at[1] + i * walk_.step(1));
    });
  }

  int64_t y_step, x_step;

 private:
  Walk walk_;
};

}  // namespace onnxray::reference
