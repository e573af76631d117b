#include "ops/axes.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

std::vector<int64_t> named_axes(const LowerContext& ctx, size_t i) {
  if (ctx.has(i)) return ctx.int_constants(i, "axes");
  return ctx.ints_attr("axes");
}

std::vector<int64_t> normalise_axes(std::vector<int64_t> axes, size_t rank) {
  for (int64_t& axis : axes) axis = normalise_axis(axis, rank);
  std::ranges::sort(axes);
  const bool distinct = std::ranges::adjacent_find(axes) == axes.end();
  require(distinct, ErrorCode::bad_file, "axes {} name one axis twice", to_string(axes));
  return axes;
}

DType dtype_from_number(int64_t code) {
  switch (code) {
    case 1: return DType::f32;
    case 2: return DType::u8;
    case 3: return DType::i8;
    case 4: return DType::u16;
    case 5: return DType::i16;
    case 6: return DType::i32;
    case 7: return DType::i64;
    case 9: return DType::boolean;
    case 10: return DType::f16;
    case 11: return DType::f64;
    case 12: return DType::u32;
    case 13: return DType::u64;
    case 16: return DType::bf16;
    default:
      fail(ErrorCode::unsupported, "element type {} is not supported; re-export the model in float32", code);
  }
}

}  // namespace onnxray
