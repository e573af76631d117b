#include "backends/cudnn/kernels/copy.h"
#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"

namespace onnxray::cudnn {

namespace {

/// Reads entry `place` of an index operand: held as int64 or as bytes, negative from the end. An index
/// outside raises the fault flag, which fails the run, and reads place 0.
struct Index {
  const std::byte* data;
  bool bytes;
  int64_t extent;
  int* fault;
  ONNXRAY_DEVICE int64_t operator[](int64_t place) const {
    int64_t index = bytes ? reinterpret_cast<const unsigned char*>(data)[place]
                          : reinterpret_cast<const Whole*>(data)[place];
    if (index < 0) index += extent;
    if (index >= 0 && index < extent) return index;
    *fault = 1;
    return 0;
  }
};

bool is_bytes(const Operand& index) { return storage_of(index.dtype) == Storage::byte; }

/// The two sides of a gather: `whole` has one axis where `picked` has those of the index. Their other axes
/// are `rest`.
struct Picks {
  Picks(const Operand& whole, const Operand& index, const Operand& picked, int64_t axis) {
    const auto first = picked.strides.begin() + axis, last = first + static_cast<int64_t>(index.shape.size());
    Strides picked_rest = picked.strides;
    picked_rest.erase(picked_rest.begin() + axis, picked_rest.begin() + axis + (last - first));
    const Shape rest_shape = without(whole.shape, axis);
    rest = make_places<2>(rest_shape, {picked_rest, without(whole.strides, axis)}, LoopOrder::memory);
    entries = make_places<2>(index.shape, {Strides(first, last), index.strides});
    rest_count = element_count(rest_shape);
    entry_count = element_count(index.shape);
    whole_step = whole.strides[static_cast<size_t>(axis)];
  }
  Places<2> rest;     // sets: picked, whole
  Places<2> entries;  // sets: picked, index
  int64_t rest_count, entry_count, whole_step;
};

template <class E>
struct Pick {
  const E* x;
  E* y;
  Index index;
  Picks picks;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto rest = picks.rest(i % picks.rest_count), entry = picks.entries(i / picks.rest_count);
    y[entry.offset[0] + rest.offset[0]] = x[index[entry.offset[1]] * picks.whole_step + rest.offset[1]];
  }
};

/// x[index[e]] += g[e]: one thread per place of `rest` goes through the entries in order, so that repeated
/// entries add up always alike.
template <class E>
struct AddPicked {
  const E* g;
  E* x;
  Index index;
  Picks picks;
  StoreAs as;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto rest = picks.rest(i);
    for (int64_t e = 0; e < picks.entry_count; ++e) {
      const auto entry = picks.entries(e);
      E& to = x[index[entry.offset[1]] * picks.whole_step + rest.offset[1]];
      to = as.to<E>(op_add(Wide<E>{to}, Wide<E>{g[entry.offset[0] + rest.offset[0]]}));
    }
  }
};

struct Ravel {
  const std::byte* index;
  Whole* y;
  bool bytes;
  int* fault;
  Places<2> places;  // sets: y, index without its last axis
  int rank;
  int64_t step;
  int64_t extents[kMaxRank];
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = places(i);
    int64_t place = 0;
    for (int j = 0; j < rank; ++j)
      place = place * extents[j] + Index{index, bytes, extents[j], fault}[at.offset[1] + j * step];
    y[at.offset[0]] = place;
  }
};

template <class E>
struct PickElement {
  const E* x;
  E* y;
  Index index;
  Places<3> places;  // sets: y, x without the axis, index
  int64_t step;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = places(i);
    y[at.offset[0]] = x[at.offset[1] + index[at.offset[2]] * step];
  }
};

/// One thread per lane along the axis, so that repeated entries combine in order.
template <class E>
struct ScatterLane {
  using Number = std::conditional_t<std::is_floating_point_v<E>, float, Whole>;
  E* y;
  const E* updates;
  Index index;
  Places<3> lanes;  // sets: y, updates, index; all without the axis
  int64_t extent, y_step, update_step, index_step;
  ScatterElements::Kind kind;
  StoreAs as;
  ONNXRAY_DEVICE void operator()(int64_t lane) const {
    const auto at = lanes(lane);
    for (int64_t k = 0; k < extent; ++k) {
      E& to = y[at.offset[0] + index[at.offset[2] + k * index_step] * y_step];
      to = combine(to, updates[at.offset[1] + k * update_step]);
    }
  }
  ONNXRAY_DEVICE E combine(E old, E update) const {
    switch (kind) {
      case ScatterElements::Kind::replace: return update;
      case ScatterElements::Kind::add: return as.to<E>(op_add(Wide<E>{old}, Wide<E>{update}));
      case ScatterElements::Kind::mul: return as.to<E>(op_mul(Wide<E>{old}, Wide<E>{update}));
      case ScatterElements::Kind::min: return static_cast<E>(op_min(Number{old}, Number{update}));
      case ScatterElements::Kind::max: return static_cast<E>(op_max(Number{old}, Number{update}));
    }
    return old;
  }
};

Strides with_zero(Strides strides, size_t axis) {
  strides[axis] = 0;
  return strides;
}

bool is_index(const Operand& o) { return storage_of(o.dtype) != Storage::real; }

}  // namespace

std::unique_ptr<DeviceStep> compile(const Gather& p, const Operands& o) {
  const Operand &x = o.in[0], &index = o.in[1], &y = o.out[0];
  if (!alike(x, y) || !is_index(index)) return nullptr;
  const Picks picks(x, index, y, p.axis);
  const int64_t extent = x.shape[static_cast<size_t>(p.axis)];
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, bytes = is_bytes(index)](const Launch& l, Sources in, Targets out) {
      for_each(l.stream, picks.rest_count * picks.entry_count,
               Pick<E>{in_as<E>(in[0]), out_as<E>(out[0]), {in[1], bytes, extent, l.fault}, picks});
    });
  });
}

std::unique_ptr<DeviceStep> compile(const GatherAdjoint& p, const Operands& o) {
  const Operand &g = o.in[0], &index = o.in[1], &x = o.out[0];
  if (!alike(g, x) || !is_index(index)) return nullptr;
  const Picks picks(x, index, g, p.axis);
  const auto all = make_places<1>(x.shape, {x.strides}, LoopOrder::memory);
  return with_storage(x.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, bytes = is_bytes(index), count = element_count(x.shape), as = store_as(x.dtype),
                      extent = p.extent](const Launch& l, Sources in, Targets out) {
      E* to = out_as<E>(out[0]);
      for_each(l.stream, count, Fill<E>{to, E{0}, all});
      for_each(l.stream, picks.rest_count,
               AddPicked<E>{in_as<E>(in[0]), to, {in[1], bytes, extent, l.fault}, picks, as});
    });
  });
}

std::unique_ptr<DeviceStep> compile(const RavelIndex& p, const Operands& o) {
  const Operand &index = o.in[0], &y = o.out[0];
  if (!is_index(index)) return nullptr;
  if (p.extents.size() > kMaxRank) throw std::length_error("too many axes");
  const auto last = std::ssize(index.shape) - 1;
  Ravel ravel{};
  ravel.bytes = is_bytes(index);
  ravel.places = make_places<2>(y.shape, {y.strides, without(index.strides, last)});
  ravel.rank = static_cast<int>(p.extents.size());
  ravel.step = index.strides.back();
  for (size_t j = 0; j < p.extents.size(); ++j) ravel.extents[j] = p.extents[j];
  return make_step([=, count = element_count(y.shape)](const Launch& l, Sources in, Targets out) {
    Ravel now = ravel;
    now.index = in[0];
    now.y = out_as<Whole>(out[0]);
    now.fault = l.fault;
    for_each(l.stream, count, now);
  });
}

std::unique_ptr<DeviceStep> compile(const GatherElements& p, const Operands& o) {
  const Operand &x = o.in[0], &index = o.in[1], &y = o.out[0];
  if (!alike(x, y) || !is_index(index)) return nullptr;
  const auto axis = static_cast<size_t>(p.axis);
  const auto places =
      make_places<3>(index.shape, {y.strides, with_zero(x.strides, axis), index.strides}, LoopOrder::memory);
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, bytes = is_bytes(index), count = element_count(index.shape), extent = x.shape[axis],
                      step = x.strides[axis]](const Launch& l, Sources in, Targets out) {
      for_each(
          l.stream, count,
          PickElement<E>{in_as<E>(in[0]), out_as<E>(out[0]), {in[1], bytes, extent, l.fault}, places, step});
    });
  });
}

std::unique_ptr<DeviceStep> compile(const ScatterElements& p, const Operands& o) {
  const Operand &x = o.in[0], &index = o.in[1], &updates = o.in[2], &y = o.out[0];
  if (!alike(x, y) || !alike(updates, y) || !is_index(index)) return nullptr;
  const auto axis = static_cast<size_t>(p.axis);
  const auto lanes = make_places<3>(
      without(index.shape, p.axis),
      {without(y.strides, p.axis), without(updates.strides, p.axis), without(index.strides, p.axis)});
  const auto all = make_places<2>(y.shape, {y.strides, x.strides}, LoopOrder::memory);
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    ScatterLane<E> scatter{nullptr,
                           nullptr,
                           {nullptr, is_bytes(index), x.shape[axis], nullptr},
                           lanes,
                           index.shape[axis],
                           y.strides[axis],
                           updates.strides[axis],
                           index.strides[axis],
                           p.kind,
                           store_as(y.dtype)};
    return make_step(
        [=, count = element_count(y.shape), lane_count = element_count(without(index.shape, p.axis))](
            const Launch& l, Sources in, Targets out) {
          for_each(l.stream, count, Copy<E>{in_as<E>(in[0]), out_as<E>(out[0]), all});
          ScatterLane<E> now = scatter;
          now.y = out_as<E>(out[0]);
          now.updates = in_as<E>(in[2]);
          now.index.data = in[1];
          now.index.fault = l.fault;
          for_each(l.stream, lane_count, now);
        });
  });
}

}  // namespace onnxray::cudnn
