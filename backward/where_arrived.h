#pragma once

#include "core/builder.h"

namespace onnxray {

/// `share`, a multiple of g, where g is not 0, else 0. Where nothing arrived nothing goes on, whatever the
/// slope: a mask that took a value out sends 0, and 0 times an infinite slope would be NaN. A NaN that
/// arrived goes on.
inline Var where_arrived(Builder& b, Var g, Var share) {
  return b.select(g, share, b.scalar(0, b.dtype(share)));
}

}  // namespace onnxray
