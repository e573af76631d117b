#include <algorithm>
#include <cassert>
#include <optional>

#include "backends/bounds.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/strided_copy.h"

namespace onnxray::onednn {

namespace {

int64_t stored_size(Storage storage) {
  switch (storage) {
    case Storage::real: return 4;
    case Storage::int64: return 8;
    case Storage::byte: return 1;
  }
  return 0;
}

bool same_storage(const Operand& a, const Operand& b) { return storage_of(a.dtype) == storage_of(b.dtype); }

/// Copies each input to its place in the output.
class CopyKernel final : public Kernel {
 public:
  struct Part {
    StridedCopy copy;
    int64_t dst_bytes = 0, src_bytes = 0;  // where element 0 of the copy is
  };
  explicit CopyKernel(std::vector<Part> parts) : parts_(std::move(parts)) {}

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    for (size_t i = 0; i < parts_.size(); ++i)
      parts_[i].copy.run(out[0] + parts_[i].dst_bytes, in[i] + parts_[i].src_bytes);
  }

 private:
  std::vector<Part> parts_;
};

std::unique_ptr<Kernel> make_copy(const Shape& shape, const Strides& dst, const Strides& src,
                                  const Operand& y, int64_t dst_offset = 0, int64_t src_offset = 0) {
  const Storage storage = storage_of(y.dtype);
  const int64_t size = stored_size(storage);
  assert(stays_inside(y, shape, dst, dst_offset));
  std::vector<CopyKernel::Part> parts;
  parts.push_back({StridedCopy(shape, dst, src, storage), dst_offset * size, src_offset * size});
  return std::make_unique<CopyKernel>(std::move(parts));
}

/// Two shapes of one count cut into common axes, with the strides of both.
struct CommonShape {
  Shape shape;
  Strides a, b;
};

/// Nothing where the axes do not nest, as in [2,3] and [3,2].
std::optional<CommonShape> common_shape(const Operand& a, const Operand& b) {
  CommonShape common;
  size_t i = a.shape.size(), j = b.shape.size();
  int64_t left_a = 1, left_b = 1, stride_a = 0, stride_b = 0;  // what is left of the current axis of each
  const auto refill = [](const Operand& o, size_t& axis, int64_t& left, int64_t& stride) {
    while (left == 1 && axis > 0) {
      --axis;
      left = o.shape[axis];
      stride = o.strides[axis];
    }
  };
  while (true) {
    refill(a, i, left_a, stride_a);
    refill(b, j, left_b, stride_b);
    if (left_a == 1 && left_b == 1) break;
    const int64_t step = std::min(left_a, left_b);
    if (step == 1 || left_a % step != 0 || left_b % step != 0) return std::nullopt;
    common.shape.insert(common.shape.begin(), step);
    common.a.insert(common.a.begin(), stride_a);
    common.b.insert(common.b.begin(), stride_b);
    left_a /= step;
    left_b /= step;
    stride_a *= step;
    stride_b *= step;
  }
  return common;
}

/// Where the view `starts + i * steps` of an operand begins, and its strides.
struct View {
  int64_t offset = 0;
  Strides strides;
};

View view_of(const Operand& o, const std::vector<int64_t>& starts, const std::vector<int64_t>& steps) {
  View view;
  for (size_t i = 0; i < starts.size(); ++i) {
    view.offset += starts[i] * o.strides[i];
    view.strides.push_back(steps[i] * o.strides[i]);
  }
  return view;
}

/// Fills the output with one value, then copies the input into its place.
class PlaceKernel final : public Kernel {
 public:
  PlaceKernel(const Place& p, const Operand& y, std::unique_ptr<Kernel> copy)
      : fill_(y.shape, y.strides, Strides(y.shape.size(), 0), storage_of(y.dtype)), copy_(std::move(copy)) {
    const auto keep = [this](auto value) {
      std::copy_n(reinterpret_cast<const std::byte*>(&value), sizeof value, value_);
    };
    const int64_t whole = Tensor::filled(DType::i64, {}, p.fill).as_int64(0);  // defined for NaN, too
    switch (storage_of(y.dtype)) {
      case Storage::real: keep(static_cast<float>(p.fill)); break;
      case Storage::int64: keep(whole); break;
      case Storage::byte: keep(static_cast<uint8_t>(whole)); break;
    }
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    fill_.run(out[0], value_);
    if (copy_) copy_->run(in, out);
  }

 private:
  alignas(8) std::byte value_[8] = {};
  StridedCopy fill_;
  std::unique_ptr<Kernel> copy_;
};

}  // namespace

std::unique_ptr<Kernel> compile_reshape(const Reshape&, Operands in, Operands out) {
  if (!same_storage(in[0], out[0]) || element_count(out[0].shape) == 0) return nullptr;
  if (in[0].shape == out[0].shape) return make_copy(out[0].shape, out[0].strides, in[0].strides, out[0]);
  const auto common = common_shape(out[0], in[0]);
  return common ? make_copy(common->shape, common->a, common->b, out[0]) : nullptr;
}

std::unique_ptr<Kernel> compile_transpose(const Transpose& p, Operands in, Operands out) {
  if (!same_storage(in[0], out[0])) return nullptr;
  Strides strides;
  for (const int64_t axis : p.permutation) strides.push_back(in[0].strides[static_cast<size_t>(axis)]);
  return make_copy(out[0].shape, out[0].strides, strides, out[0]);
}

std::unique_ptr<Kernel> compile_broadcast(const Broadcast&, Operands in, Operands out) {
  if (!same_storage(in[0], out[0])) return nullptr;
  const Strides strides = broadcast_strides(in[0].shape, in[0].strides, out[0].shape.size());
  return make_copy(out[0].shape, out[0].strides, strides, out[0]);
}

std::unique_ptr<Kernel> compile_slice(const Slice& p, Operands in, Operands out) {
  if (!same_storage(in[0], out[0])) return nullptr;
  const View view = view_of(in[0], p.starts, p.steps);
  assert(stays_inside(in[0], out[0].shape, view.strides, view.offset));
  return make_copy(out[0].shape, out[0].strides, view.strides, out[0], 0, view.offset);
}

std::unique_ptr<Kernel> compile_place(const Place& p, Operands in, Operands out) {
  if (!same_storage(in[0], out[0])) return nullptr;
  std::unique_ptr<Kernel> copy;
  if (element_count(in[0].shape) > 0) {
    const View view = view_of(out[0], p.starts, p.steps);
    copy = make_copy(in[0].shape, view.strides, in[0].strides, out[0], view.offset, 0);
  }
  return std::make_unique<PlaceKernel>(p, out[0], std::move(copy));
}

std::unique_ptr<Kernel> compile_concat(const Concat& p, Operands in, Operands out) {
  const auto axis = static_cast<size_t>(p.axis);
  const Storage storage = storage_of(out[0].dtype);
  std::vector<CopyKernel::Part> parts;
  int64_t place = 0;
  for (const Operand& x : in) {
    if (!same_storage(x, out[0])) return nullptr;
    parts.push_back({StridedCopy(x.shape, out[0].strides, x.strides, storage),
                     place * out[0].strides[axis] * stored_size(storage)});
    place += x.shape[axis];
  }
  return std::make_unique<CopyKernel>(std::move(parts));
}

}  // namespace onnxray::onednn
