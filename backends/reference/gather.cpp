#include <cassert>

#include "backends/bounds.h"
#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"

namespace onnxray::reference {

namespace {

int64_t checked(int64_t index, int64_t extent, int64_t axis) {
  if (index < -extent || index >= extent) {
    fail(ErrorCode::usage, "index {} is outside axis {} of extent {}; check the indices in the model's input",
         index, axis, extent);
  }
  return index < 0 ? index + extent : index;
}

/// Reads an operand of integers in row-major order.
class IntegerReader {
 public:
  explicit IntegerReader(const Operand& o)
      : walk_(o.shape, {o.strides}),
        bytes_(storage_of(o.dtype) == Storage::byte),
        count_(element_count(o.shape)) {
    require(storage_of(o.dtype) != Storage::real, ErrorCode::unsupported, "an index held as {}",
            name_of(o.dtype));
  }

  std::vector<int64_t> read(const std::byte* data) const {
    std::vector<int64_t> result;
    result.reserve(static_cast<size_t>(count_));
    walk_.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < walk_.row_extent(); ++i) {
        const int64_t place = at[0] + i * walk_.step(0);
        result.push_back(bytes_ ? in_as<uint8_t>(data)[place] : in_as<int64_t>(data)[place]);
      }
    });
    return result;
  }

 private:
  Walk walk_;
  bool bytes_;
  int64_t count_;
};

/// Reads an index operand in row-major order, checked and made non-negative.
class IndexReader {
 public:
  IndexReader(const Operand& index, int64_t extent, int64_t axis)
      : integers_(index), extent_(extent), axis_(axis) {}

  std::vector<int64_t> read(const std::byte* data) const {
    std::vector<int64_t> result = integers_.read(data);
    for (int64_t& index : result) index = checked(index, extent_, axis_);
    return result;
  }

 private:
  IntegerReader integers_;
  int64_t extent_, axis_;
};

/// The two sides of a gather: `whole` has one axis where `picked` has those of the index.
struct Picks {
  Picks(const Operand& whole, const Operand& index, const Operand& picked, int64_t axis)
      : rest(without(whole.shape, axis)),
        whole_rest(without(whole.strides, axis)),
        whole_step(whole.strides[static_cast<size_t>(axis)]) {
    const auto first = picked.strides.begin() + axis, last = first + static_cast<int64_t>(index.shape.size());
    assert(axis + std::ssize(index.shape) <= std::ssize(picked.strides) &&
           stays_inside(picked, index.shape, Strides(first, last)) && stays_inside(whole, rest, whole_rest));
    picked_rest = picked.strides;
    picked_rest.erase(picked_rest.begin() + axis, picked_rest.begin() + axis + (last - first));
    const Walk walk(index.shape, {Strides(first, last)});
    walk.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < walk.row_extent(); ++i) picked_offsets.push_back(at[0] + i * walk.step(0));
    });
  }

  Shape rest;
  Strides whole_rest, picked_rest;
  int64_t whole_step;
  std::vector<int64_t> picked_offsets;  // by the index's row-major place
};

template <class E>
void combine(ScatterElements::Kind kind, DType dtype, E& y, E update) {
  const Wide<E> a = y, b = update;
  switch (kind) {
    case ScatterElements::Kind::replace: y = update; return;
    case ScatterElements::Kind::add: y = to_element<E>(dtype, plus(a, b)); return;
    case ScatterElements::Kind::mul: y = to_element<E>(dtype, times(a, b)); return;
    case ScatterElements::Kind::min: y = smaller(y, update); return;
    case ScatterElements::Kind::max: y = larger(y, update); return;
  }
}

Strides with_zero(Strides strides, size_t axis) {
  strides[axis] = 0;
  return strides;
}

}  // namespace

template <class T>
std::unique_ptr<Kernel> compile(const Gather& p, const Operands& o) {
  const Operand &x = o.in[0], &index = o.in[1], &y = o.out[0];
  require_alike("gather", x, y);
  const IndexReader reader(index, x.shape[static_cast<size_t>(p.axis)], p.axis);
  const Picks picks(x, index, y, p.axis);
  return with_storage<T>(y.dtype, [&]<class E>(std::type_identity<E>) {
    const StridedCopy<E> copy(picks.rest, picks.picked_rest, picks.whole_rest);
    return make_kernel([=](Sources in, Targets out) {
      const std::vector<int64_t> places = reader.read(in[1]);
      for (size_t i = 0; i < places.size(); ++i) {
        copy.run(out_as<E>(out[0]) + picks.picked_offsets[i], in_as<E>(in[0]) + places[i] * picks.whole_step);
      }
    });
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const GatherAdjoint& p, const Operands& o) {
  const Operand &g = o.in[0], &index = o.in[1], &x = o.out[0];
  require_alike("gather_adjoint", g, x);
  const IndexReader reader(index, p.extent, p.axis);
  const Picks picks(x, index, g, p.axis);
  const Walk walk(picks.rest, {picks.whole_rest, picks.picked_rest}, Walk::Order::fastest);
  return with_storage<T>(x.dtype, [&]<class E>(std::type_identity<E>) {
    const StridedCopy<E> clear(x.shape, x.strides, Strides(x.shape.size(), 0));
    return make_kernel([=, dtype = x.dtype](Sources in, Targets out) {
      const std::vector<int64_t> places = reader.read(in[1]);
      const E zero{0};
      clear.run(out_as<E>(out[0]), &zero);
      for (size_t i = 0; i < places.size(); ++i) {
        E* dst = out_as<E>(out[0]) + places[i] * picks.whole_step;
        const E* src = in_as<E>(in[0]) + picks.picked_offsets[i];
        walk.rows([&](const int64_t* at) {
          for (int64_t j = 0; j < walk.row_extent(); ++j) {
            combine(ScatterElements::Kind::add, dtype, dst[at[0] + j * walk.step(0)],
                    src[at[1] + j * walk.step(1)]);
          }
        });
      }
    });
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const RavelIndex& p, const Operands& o) {
  const Operand& y = o.out[0];
  const IntegerReader reader(o.in[0]);
  const Walk store(y.shape, {y.strides});
  return make_kernel([=, extents = p.extents](Sources in, Targets out) {
    const std::vector<int64_t> entries = reader.read(in[0]);
    auto entry = entries.begin();
    store.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < store.row_extent(); ++i) {
        int64_t place = 0;
        for (size_t j = 0; j < extents.size(); ++j)
          place = place * extents[j] + checked(*entry++, extents[j], static_cast<int64_t>(j));
        out_as<int64_t>(out[0])[at[0] + i * store.step(0)] = place;
      }
    });
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const GatherElements& p, const Operands& o) {
  const Operand &x = o.in[0], &index = o.in[1], &y = o.out[0];
  require_alike("gather_elements", x, y);
  const auto axis = static_cast<size_t>(p.axis);
  const IndexReader reader(index, x.shape[axis], p.axis);
  assert(stays_inside(y, index.shape, y.strides) && stays_inside(x, index.shape, with_zero(x.strides, axis)));
  const Walk walk(index.shape, {y.strides, with_zero(x.strides, axis)});
  return with_storage<T>(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_kernel([=, step = x.strides[axis]](Sources in, Targets out) {
      const std::vector<int64_t> places = reader.read(in[1]);
      size_t i = 0;
      walk.rows([&](const int64_t* at) {
        for (int64_t j = 0; j < walk.row_extent(); ++j, ++i) {
          out_as<E>(out[0])[at[0] + j * walk.step(0)] =
              in_as<E>(in[0])[at[1] + j * walk.step(1) + places[i] * step];
        }
      });
    });
  });
}

template <class T>
std::unique_ptr<Kernel> compile(const ScatterElements& p, const Operands& o) {
  const Operand &x = o.in[0], &index = o.in[1], &updates = o.in[2], &y = o.out[0];
  require_alike("scatter_elements", x, y);
  require_alike("scatter_elements", updates, y);
  const auto axis = static_cast<size_t>(p.axis);
  const IndexReader reader(index, x.shape[axis], p.axis);
  assert(stays_inside(y, index.shape, with_zero(y.strides, axis)) &&
         stays_inside(updates, index.shape, updates.strides));
  const Walk walk(index.shape, {with_zero(y.strides, axis), updates.strides});
  return with_storage<T>(y.dtype, [&]<class E>(std::type_identity<E>) {
    const StridedCopy<E> copy(y.shape, y.strides, x.strides);
    return make_kernel([=, kind = p.kind, dtype = y.dtype, step = y.strides[axis]](Sources in, Targets out) {
      const std::vector<int64_t> places = reader.read(in[1]);
      copy.run(out_as<E>(out[0]), in_as<E>(in[0]));
      size_t i = 0;
      walk.rows([&](const int64_t* at) {
        for (int64_t j = 0; j < walk.row_extent(); ++j, ++i) {
          combine(kind, dtype, out_as<E>(out[0])[at[0] + j * walk.step(0) + places[i] * step],
                  in_as<E>(in[2])[at[1] + j * walk.step(1)]);
        }
      });
    });
  });
}

template std::unique_ptr<Kernel> compile<float>(const Gather&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Gather&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const GatherAdjoint&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const GatherAdjoint&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const RavelIndex&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const RavelIndex&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const GatherElements&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const GatherElements&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const ScatterElements&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const ScatterElements&, const Operands&);

}  // namespace onnxray::reference
