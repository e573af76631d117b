#include <cassert>

#include "backends/bounds.h"
#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"

namespace onnxray::reference {

namespace {

/// A kernel that copies x, read at `src`, to y, written at `dst`, both under `shape`.
template <class T>
std::unique_ptr<Kernel> make_copy(const Operands& o, const Shape& shape, const Strides& dst,
                                  const Strides& src, int64_t src_offset = 0) {
  require_alike("copy", o.in[0], o.out[0]);
  assert(stays_inside(o.in[0], shape, src, src_offset) && stays_inside(o.out[0], shape, dst));
  return with_storage<T>(o.out[0].dtype, [&]<class E>(std::type_identity<E>) {
    const StridedCopy<E> copy(shape, dst, src);
    return make_kernel(
        [=](Sources in, Targets out) { copy.run(out_as<E>(out[0]), in_as<E>(in[0]) + src_offset); });
  });
}

/// Where x[starts + i * steps] lies: the strides in i, and the offset of i = 0.
struct View {
  View(const Strides& strides, const std::vector<int64_t>& starts, const std::vector<int64_t>& steps)
      : strides_in_i(strides) {
    for (size_t a = 0; a < strides.size(); ++a) {
      offset += starts[a] * strides[a];
      strides_in_i[a] *= steps[a];
    }
  }
  Strides strides_in_i;
  int64_t offset = 0;
};

}  // namespace

template <class T>
std::unique_ptr<Kernel> compile(const Reshape&, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  const Strides dense_x = row_major_strides(x.shape), dense_y = row_major_strides(y.shape);
  if (x.shape == y.shape) return make_copy<T>(o, y.shape, y.strides, x.strides);
  if (same_layout(x.shape, x.strides, dense_x)) return make_copy<T>(o, y.shape, y.strides, dense_y);
  if (same_layout(y.shape, y.strides, dense_y)) return make_copy<T>(o, x.shape, dense_x, x.strides);
  require_alike("reshape", x, y);
  return with_storage<T>(y.dtype, [&]<class E>(std::type_identity<E>) {
    const StridedCopy<E> load(x.shape, dense_x, x.strides), store(y.shape, y.strides, dense_y);
    std::vector<E> between(static_cast<size_t>(element_count(y.shape)));
    return make_kernel([=](Sources in, Targets out) mutable {
      load.run(between.data(), in_as<E>(in[0]));
      store.run(out_as<E>(out[0]), between.data());
    });
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const Transpose& p, const Operands& o) {
  Strides moved;
  for (const int64_t axis : p.permutation) moved.push_back(o.in[0].strides[static_cast<size_t>(axis)]);
  return make_copy<T>(o, o.out[0].shape, o.out[0].strides, moved);
}

template <class T>
std::unique_ptr<Kernel> compile(const Broadcast&, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  return make_copy<T>(o, y.shape, y.strides, broadcast_strides(x.shape, x.strides, y.shape.size()));
}

template <class T>
std::unique_ptr<Kernel> compile(const Slice& p, const Operands& o) {
  const View view(o.in[0].strides, p.starts, p.steps);
  return make_copy<T>(o, o.out[0].shape, o.out[0].strides, view.strides_in_i, view.offset);
}

template <class T>
std::unique_ptr<Kernel> compile(const Place& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  require_alike("place", x, y);
  const View view(y.strides, p.starts, p.steps);
  assert(stays_inside(y, x.shape, view.strides_in_i, view.offset));
  return with_storage<T>(y.dtype, [&]<class E>(std::type_identity<E>) {
    const StridedCopy<E> clear(y.shape, y.strides, Strides(y.shape.size(), 0)),
        copy(x.shape, view.strides_in_i, x.strides);
    return make_kernel(
        [=, fill = to_element<E>(y.dtype, p.fill), offset = view.offset](Sources in, Targets out) {
          clear.run(out_as<E>(out[0]), &fill);
          copy.run(out_as<E>(out[0]) + offset, in_as<E>(in[0]));
        });
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const Concat& p, const Operands& o) {
  const Operand& y = o.out[0];
  for (const Operand& x : o.in) require_alike("concat", x, y);
  const auto axis = static_cast<size_t>(normalise_axis(p.axis, y.shape.size()));
  return with_storage<T>(y.dtype, [&]<class E>(std::type_identity<E>) {
    std::vector<StridedCopy<E>> copies;
    std::vector<int64_t> offsets;
    int64_t place = 0;
    for (const Operand& x : o.in) {
      copies.emplace_back(x.shape, y.strides, x.strides);
      offsets.push_back(place * y.strides[axis]);
      assert(stays_inside(y, x.shape, y.strides, offsets.back()));
      place += x.shape[axis];
    }
    return make_kernel([=](Sources in, Targets out) {
      for (size_t i = 0; i < copies.size(); ++i)
        copies[i].run(out_as<E>(out[0]) + offsets[i], in_as<E>(in[i]));
    });
  });
}

template std::unique_ptr<Kernel> compile<float>(const Reshape&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Reshape&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const Transpose&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Transpose&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const Broadcast&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Broadcast&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const Slice&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Slice&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const Place&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Place&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const Concat&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Concat&, const Operands&);

}  // namespace onnxray::reference
