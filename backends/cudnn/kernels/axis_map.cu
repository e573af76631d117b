#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"

namespace onnxray::cudnn {

namespace {

/// y[.., o, ..] = sum over k in [offsets[o], offsets[o+1]) of weight[k] * x[.., index[k], ..]
template <class E>
struct MapAxis {
  const E* x;
  E* y;
  const int64_t *offsets, *index;
  const double* weight;
  Places<3> places;  // sets: y, x without the axis, o
  int64_t step;
  StoreAs as;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = places(i);
    const int64_t o = at.offset[2];
    double sum = 0;
    for (int64_t k = offsets[o]; k < offsets[o + 1]; ++k) {
      sum += weight[k] * static_cast<double>(x[at.offset[1] + index[k] * step]);
    }
    y[at.offset[0]] = as.to<E>(sum);
  }
};

}  // namespace

std::unique_ptr<DeviceStep> compile(const AxisMap& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  if (!alike(x, y)) return nullptr;
  const auto axis = static_cast<size_t>(p.axis);
  Strides rest = x.strides, along(y.shape.size(), 0);
  rest[axis] = 0;
  along[axis] = 1;
  const auto places = make_places<3>(y.shape, {y.strides, rest, along}, LoopOrder::memory);
  return with_storage(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_step([=, offsets = upload(p.table->offsets), index = upload(p.table->index),
                      weight = upload(p.table->weight), count = element_count(y.shape),
                      step = x.strides[axis],
                      as = store_as(y.dtype)](const Launch& l, Sources in, Targets out) {
      for_each(l.stream, count,
               MapAxis<E>{in_as<E>(in[0]), out_as<E>(out[0]), offsets.get(), index.get(), weight.get(),
                          places, step, as});
    });
  });
}

}  // namespace onnxray::cudnn
