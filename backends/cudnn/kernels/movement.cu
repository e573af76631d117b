#include "backends/cudnn/kernels/copy.h"
#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"

namespace onnxray::cudnn {

namespace {

/// A copy of x, read at `src` from `src_offset`, to y, written at `dst` from `dst_offset`, under `shape`.
struct CopyPlan {
  CopyPlan(const Shape& shape, const Strides& dst, const Strides& src, int64_t dst_from = 0,
           int64_t src_from = 0)
      : places(make_places<2>(shape, {dst, src}, LoopOrder::memory)),
        count(element_count(shape)),
        dst_offset(dst_from),
        src_offset(src_from) {}

  template <class E>
  void run(Stream stream, const std::byte* from, std::byte* to) const {
    for_each(stream, count, Copy<E>{in_as<E>(from) + src_offset, out_as<E>(to) + dst_offset, places});
  }

  Places<2> places;
  int64_t count, dst_offset, src_offset;
};

std::unique_ptr<DeviceStep> copy_step(const Operands& o, const CopyPlan& plan) {
  if (!alike(o.in[0], o.out[0])) return nullptr;
  return with_storage(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    return make_step(
        [plan](const Launch& l, Sources in, Targets out) { plan.run<E>(l.stream, in[0], out[0]); });
  });
}

/// Where x[starts + i * steps] lies: the strides in i, and the offset of i = 0.
struct View {
  View(const Strides& of, const std::vector<int64_t>& starts, const std::vector<int64_t>& steps)
      : strides(of) {
    for (size_t a = 0; a < of.size(); ++a) {
      offset += starts[a] * of[a];
      strides[a] *= steps[a];
    }
  }
  Strides strides;
  int64_t offset = 0;
};

}  // namespace

std::unique_ptr<DeviceStep> compile(const Reshape&, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  const Strides dense_x = row_major_strides(x.shape), dense_y = row_major_strides(y.shape);
  if (x.shape == y.shape) return copy_step(o, {y.shape, y.strides, x.strides});
  if (same_layout(x.shape, x.strides, dense_x)) return copy_step(o, {y.shape, y.strides, dense_y});
  if (same_layout(y.shape, y.strides, dense_y)) return copy_step(o, {x.shape, dense_x, x.strides});
  if (!alike(x, y)) return nullptr;
  const CopyPlan load(x.shape, dense_x, x.strides), store(y.shape, y.strides, dense_y);
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step(
        [load, store](const Launch& l, Sources in, Targets out) {
          load.run<E>(l.stream, in[0], l.workspace);
          store.run<E>(l.stream, l.workspace, out[0]);
        },
        element_count(y.shape) * static_cast<int64_t>(sizeof(E)));
  });
}

std::unique_ptr<DeviceStep> compile(const Transpose& p, const Operands& o) {
  Strides moved;
  for (const int64_t axis : p.permutation) moved.push_back(o.in[0].strides[static_cast<size_t>(axis)]);
  return copy_step(o, {o.out[0].shape, o.out[0].strides, moved});
}

std::unique_ptr<DeviceStep> compile(const Broadcast&, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  return copy_step(o, {y.shape, y.strides, broadcast_strides(x.shape, x.strides, y.shape.size())});
}

std::unique_ptr<DeviceStep> compile(const Slice& p, const Operands& o) {
  const View view(o.in[0].strides, p.starts, p.steps);
  return copy_step(o, {o.out[0].shape, o.out[0].strides, view.strides, 0, view.offset});
}

std::unique_ptr<DeviceStep> compile(const Place& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  if (!alike(x, y)) return nullptr;
  const View view(y.strides, p.starts, p.steps);
  const CopyPlan copy(x.shape, view.strides, x.strides, view.offset);
  const auto all = make_places<1>(y.shape, {y.strides}, LoopOrder::memory);
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([copy, all, count = element_count(y.shape), fill = store_as(y.dtype).to<E>(p.fill)](
                         const Launch& l, Sources in, Targets out) {
      for_each(l.stream, count, Fill<E>{out_as<E>(out[0]), fill, all});
      copy.run<E>(l.stream, in[0], out[0]);
    });
  });
}

std::unique_ptr<DeviceStep> compile(const Concat& p, const Operands& o) {
  const Operand& y = o.out[0];
  const auto axis = static_cast<size_t>(p.axis);
  std::vector<CopyPlan> parts;
  int64_t at = 0;
  for (const Operand& x : o.in) {
    if (!alike(x, y)) return nullptr;
    parts.emplace_back(x.shape, y.strides, x.strides, at * y.strides[axis]);
    at += x.shape[axis];
  }
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([parts](const Launch& l, Sources in, Targets out) {
      for (size_t i = 0; i < parts.size(); ++i) parts[i].run<E>(l.stream, in[i], out[0]);
    });
  });
}

void clear(Stream stream, float* y, int64_t count) {
  for_each(stream, count, Fill<float>{y, 0, make_places<1>({count}, {{1}})});
}

void copy_strided(Stream stream, const Shape& shape, const float* from, const Strides& src, float* to,
                  const Strides& dst) {
  for_each(stream, element_count(shape),
           Copy<float>{from, to, make_places<2>(shape, {dst, src}, LoopOrder::memory)});
}

}  // namespace onnxray::cudnn
