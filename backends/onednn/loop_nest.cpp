#include "backends/onednn/loop_nest.h"

namespace onnxray::onednn {

int64_t offset_of(int64_t trip, const Shape& extents, const Strides& strides, size_t depth) {
  int64_t offset = 0;
  for (size_t i = depth; i-- > 0;) {
    offset += trip % extents[i] * strides[i];
    trip /= extents[i];
  }
  return offset;
}

}  // namespace onnxray::onednn
