#include "backends/onednn/kernels.h"
#include "backends/onednn/loop_nest.h"
#include "backends/onednn/strided_copy.h"
#include "backends/onednn/thread_split.h"
#include "core/fail.h"

namespace onnxray::onednn {

namespace {

/// y[.., j.., ..] = x[.., index[j..], ..]: one copy of a slice of x per index.
class GatherKernel final : public Kernel {
 public:
  GatherKernel(size_t axis, const Operand& x, const Operand& index, const Operand& y)
      : slice_(without(x.shape, static_cast<int64_t>(axis)), slice_strides(axis, index.shape.size(), y),
               without(x.strides, static_cast<int64_t>(axis)), storage_of(y.dtype)),
        index_shape_(index.shape),
        index_strides_(index.strides),
        y_strides_(y.strides.begin() + static_cast<int64_t>(axis),
                   y.strides.begin() + static_cast<int64_t>(axis + index.shape.size())),
        axis_(axis),
        extent_(x.shape[axis]),
        x_stride_(x.strides[axis]),
        size_(size_of_storage(storage_of(y.dtype))) {}

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* index = reinterpret_cast<const int64_t*>(in[1]);
    const size_t rank = index_shape_.size();
    const int64_t count = element_count(index_shape_);
    for (int64_t j = 0; j < count; ++j) {
      const int64_t i = index[offset_of(j, index_shape_, index_strides_, rank)];
      require(i >= -extent_ && i < extent_, ErrorCode::usage,
              "index {} is outside axis {} of extent {}; check the indices in the model's input", i, axis_,
              extent_);
    }
    in_parallel(count, count * slice_.elements(), [&](int64_t first, int64_t last) {
      for (int64_t j = first; j < last; ++j) {
        int64_t i = index[offset_of(j, index_shape_, index_strides_, rank)];
        if (i < 0) i += extent_;
        slice_.run_here(out[0] + offset_of(j, index_shape_, y_strides_, rank) * size_,
                        in[0] + i * x_stride_ * size_);
      }
    });
  }

 private:
  static int64_t size_of_storage(Storage storage) {
    return storage == Storage::real ? 4 : storage == Storage::int64 ? 8 : 1;
  }

  static Strides slice_strides(size_t axis, size_t index_rank, const Operand& y) {
    Strides strides = y.strides;
    const auto first = strides.begin() + static_cast<int64_t>(axis);
    strides.erase(first, first + static_cast<int64_t>(index_rank));
    return strides;
  }

  StridedCopy slice_;
  Shape index_shape_;
  Strides index_strides_, y_strides_;
  size_t axis_;
  int64_t extent_, x_stride_, size_;
};

}  // namespace

std::unique_ptr<Kernel> compile_gather(const Gather& p, Operands in, Operands out) {
  if (storage_of(in[0].dtype) != storage_of(out[0].dtype) || storage_of(in[1].dtype) != Storage::int64)
    return nullptr;
  return std::make_unique<GatherKernel>(static_cast<size_t>(p.axis), in[0], in[1], out[0]);
}

}  // namespace onnxray::onednn
