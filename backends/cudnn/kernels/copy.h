#pragma once

#include "backends/cudnn/kernels/places.h"

namespace onnxray::cudnn {

/// to[i] = from[i], each at its own strides.
template <class E>
struct Copy {
  const E* from;
  E* to;
  Places<2> places;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = places(i);
    to[at.offset[0]] = from[at.offset[1]];
  }
};

template <class E>
struct Fill {
  E* to;
  E value;
  Places<1> places;
  ONNXRAY_DEVICE void operator()(int64_t i) const { to[places(i).offset[0]] = value; }
};

}  // namespace onnxray::cudnn
