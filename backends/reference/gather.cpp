#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"

namespace onnxray::reference {

namespace {

int64_t checked(int64_t index, int64_t extent, int64_t axis) {
  if (index < -extent || index >= extent) {
    fail(ErrorCode::failed, "index {} is outside axis {} of extent {}; check the model's index input", index,
         axis, extent);
  }
  return index < 0 ? index + extent : index;
}

/// Reads an index operand in row-major order, checked and made non-negative.
class IndexReader {
 public:
  IndexReader(const Operand& index, int64_t extent, int64_t axis)
      : walk_(index.shape, {index.strides}),
        bytes_(storage_of(index.dtype) == Storage::byte),
        extent_(extent),
        axis_(axis) {
    require(storage_of(index.dtype) != Storage::real, ErrorCode::unsupported, "an index held as {}",
            name_of(index.dtype));
    count_ = element_count(index.shape);
  }

  std::vector<int64_t> read(const std::byte* data) const {
    std::vector<int64_t> result;
    result.reserve(static_cast<size_t>(count_));
    walk_.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < walk_.row_extent(); ++i) {
        const int64_t place = at[0] + i * walk_.step(0);
        result.push_back(
            checked(bytes_ ? in_as<uint8_t>(data)[place] : in_as<int64_t>(data)[place], extent_, axis_));
      }
    });
    return result;
  }

 private:
  Walk walk_;
  bool bytes_;
  int64_t count_ = 0, extent_, axis_;
};

/// The two sides of a gather: `whole` has one axis where `picked` has those of the index.
struct Picks {
  Picks(const Operand& whole, const Operand& index, const Operand& picked, int64_t axis)
      : rest(without(whole.shape, axis)),
        whole_rest(without(whole.strides, axis)),
        whole_step(whole.strides[static_cast<size_t>(axis)]) {
    const auto first = picked.strides.begin() + axis, last = first + static_cast<int64_t>(index.shape.size());
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
std::unique_ptr<Kernel> compile(const GatherElements& p, const Operands& o) {
  const Operand &x = o.in[0], &index = o.in[1], &y = o.out[0];
  require_alike("gather_elements", x, y);
  const auto axis = static_cast<size_t>(p.axis);
  const IndexReader reader(index, x.shape[axis], p.axis);
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
template std::unique_ptr<Kernel> compile<float>(const GatherElements&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const GatherElements&, const Operands&);
template std::unique_ptr<Kernel> compile<float>(const ScatterElements&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const ScatterElements&, const Operands&);

}  // namespace onnxray::reference
