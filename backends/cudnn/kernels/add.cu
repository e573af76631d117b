#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"

namespace onnxray::cudnn {

namespace {

struct Add {
  float* y;
  const float* x;
  Places<2> places;  // sets: y, x
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = places(i);
    y[at.offset[0]] += x[at.offset[1]];
  }
};

struct Increment {
  int64_t* counter;
  ONNXRAY_DEVICE void operator()(int64_t) const { ++*counter; }
};

}  // namespace

void increment(Stream stream, int64_t* counter) { for_each(stream, 1, Increment{counter}); }

void add_strided(Stream stream, const Shape& shape, float* y, const Strides& y_strides, const float* x,
                 const Strides& x_strides) {
  for_each(stream, element_count(shape),
           Add{y, x, make_places<2>(shape, {y_strides, x_strides}, LoopOrder::memory)});
}

}  // namespace onnxray::cudnn
