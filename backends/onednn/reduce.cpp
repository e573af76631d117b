#include <algorithm>
#include <memory>

#include "backends/onednn/kernels.h"
#include "backends/onednn/row_loops.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

constexpr int64_t kColumns = 64;  // kept neighbours that one thread combines at a time
constexpr int64_t kPiece =
    16384;  // reduced neighbours likewise: splits long rows evenly, whatever the number of threads

/// Loops over kept axes, each with loops over reduced ones inside.
struct Loops {
  Shape kept, reduced;
  Strides kept_x, kept_y, reduced_x;

  int64_t offset_of_reduced(int64_t trip, size_t depth) const {
    return offset_of(trip, reduced, reduced_x, depth);
  }
};

Loops make_loops(const Reduce& p, const Operand& x, const Operand& y) {
  Shape kept, reduced;
  Strides kept_x, kept_y, reduced_x;
  for (size_t axis = 0; axis < x.shape.size(); ++axis) {
    if (std::ranges::find(p.axes, static_cast<int64_t>(axis)) != p.axes.end()) {
      reduced.push_back(x.shape[axis]);
      reduced_x.push_back(x.strides[axis]);
    } else {
      kept.push_back(x.shape[axis]);
      kept_x.push_back(x.strides[axis]);
      kept_y.push_back(y.strides[axis]);
    }
  }
  const LoopNest outer = collapse(kept, {kept_x, kept_y}), inner = collapse(reduced, {reduced_x});
  return {outer.extents, inner.extents, outer.strides[0], outer.strides[1], inner.strides[0]};
}

/// Kept neighbours lie side by side (channels-last, or a leading axis): whole rows are combined at once.
class ReduceRows final : public Kernel {
 public:
  ReduceRows(Reduce::Kind kind, Loops loops) : kind_(kind), loops_(std::move(loops)) {
    // Wide pieces read whole neighbourhoods, narrow ones are enough for every thread.
    width_ = element_count(loops_.kept) >= 8 * kColumns ? kColumns : kColumns / 4;
    pieces_ = (loops_.kept.back() + width_ - 1) / width_;
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* x = reinterpret_cast<const float*>(in[0]);
    auto* y = reinterpret_cast<float*>(out[0]);
    const size_t kept_outer = loops_.kept.size() - 1, reduced_outer = loops_.reduced.size() - 1;
    const int64_t items = element_count(loops_.kept) / loops_.kept.back() * pieces_;
    const int64_t rows = loops_.reduced.back(), repeats = element_count(loops_.reduced) / rows;
    in_parallel(items, element_count(loops_.kept) * rows * repeats, [&](int64_t first, int64_t last) {
      for (int64_t item = first; item < last; ++item) {
        const int64_t start = item % pieces_ * width_, n = std::min(width_, loops_.kept.back() - start);
        const float* from = x + offset_of(item / pieces_, loops_.kept, loops_.kept_x, kept_outer) + start;
        float* to = y + offset_of(item / pieces_, loops_.kept, loops_.kept_y, kept_outer) +
                    start * loops_.kept_y.back();
        double total[kColumns];
        std::fill_n(total, n, combination_start(kind_));
        for (int64_t r = 0; r < repeats; ++r) {
          reduce_rows(kind_, total, from + loops_.offset_of_reduced(r, reduced_outer), rows,
                      loops_.reduced_x.back(), n);
        }
        for (int64_t k = 0; k < n; ++k) to[k * loops_.kept_y.back()] = static_cast<float>(total[k]);
      }
    });
  }

 private:
  Reduce::Kind kind_;
  Loops loops_;
  int64_t width_ = 0, pieces_ = 0;
};

/// Reduced neighbours are combined one result at a time, in pieces of fixed length where there are many.
class ReduceNeighbours final : public Kernel {
 public:
  ReduceNeighbours(Reduce::Kind kind, Loops loops) : kind_(kind), loops_(std::move(loops)) {
    pieces_ = (loops_.reduced.back() + kPiece - 1) / kPiece;
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* x = reinterpret_cast<const float*>(in[0]);
    auto* y = reinterpret_cast<float*>(out[0]);
    const size_t depth = loops_.kept.size();
    const int64_t kept = element_count(loops_.kept), items = kept * pieces_;
    const auto partial = std::make_unique_for_overwrite<double[]>(static_cast<size_t>(items));
    in_parallel(items, kept * element_count(loops_.reduced), [&](int64_t first, int64_t last) {
      for (int64_t item = first; item < last; ++item) {
        partial[static_cast<size_t>(item)] = reduce_piece(
            x + offset_of(item / pieces_, loops_.kept, loops_.kept_x, depth), item % pieces_ * kPiece);
      }
    });
    for (int64_t i = 0; i < kept; ++i) {
      double total = combination_start(kind_);
      for (int64_t p = 0; p < pieces_; ++p)
        total = combined(kind_, total, partial[static_cast<size_t>(i * pieces_ + p)]);
      y[offset_of(i, loops_.kept, loops_.kept_y, depth)] = static_cast<float>(total);
    }
  }

 private:
  double reduce_piece(const float* x, int64_t start) const {
    const int64_t stride = loops_.reduced_x.back(), n = std::min(kPiece, loops_.reduced.back() - start);
    const int64_t repeats = element_count(loops_.reduced) / loops_.reduced.back();
    double total = combination_start(kind_);
    for (int64_t r = 0; r < repeats; ++r) {
      const float* from = x + loops_.offset_of_reduced(r, loops_.reduced.size() - 1) + start * stride;
      if (stride == 1) {
        total = combined(kind_, total, reduce_row(kind_, from, n));
        continue;
      }
      for (int64_t i = 0; i < n; ++i) total = combined(kind_, total, static_cast<double>(from[i * stride]));
    }
    return total;
  }

  Reduce::Kind kind_;
  Loops loops_;
  int64_t pieces_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> compile_reduce(const Reduce& p, Operands in, Operands out) {
  if (storage_of(in[0].dtype) != Storage::real || storage_of(out[0].dtype) != Storage::real) return nullptr;
  if (element_count(in[0].shape) == 0) return nullptr;
  Loops loops = make_loops(p, in[0], out[0]);
  if (loops.kept_x.back() == 1 && loops.kept.back() > 1)
    return std::make_unique<ReduceRows>(p.kind, std::move(loops));
  return std::make_unique<ReduceNeighbours>(p.kind, std::move(loops));
}

}  // namespace onnxray::onednn
