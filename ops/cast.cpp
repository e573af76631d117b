#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// ONNX's numbers for element types (TensorProto.DataType).
DType dtype_from_onnx(int64_t number) {
  switch (number) {
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
    default: fail(ErrorCode::unsupported, "casts to element type {} (string, complex, float8 or 4-bit) are not supported", number);
  }
}

void lower_cast(LowerContext& c) {
  require(c.has_attr("to"), ErrorCode::bad_file, "attribute 'to' is missing");
  if (c.version < 6) fail(ErrorCode::unsupported, "Cast before opset 6 names its type by a string; export with a newer opset");
  c.set(0, c.b.cast(c.input(0), dtype_from_onnx(c.int_attr("to", 0))));
}

void lower_cast_like(LowerContext& c) { c.set(0, c.b.cast(c.input(0), c.b.dtype(c.input(1)))); }

void lower_identity(LowerContext& c) { c.set(0, c.input(0)); }

/// In inference the input itself; the mask keeps everything.
void lower_dropout(LowerContext& c) {
  if (c.has(2)) {
    require(c.constant(2, "training_mode").as_int64(0) == 0, ErrorCode::unsupported, "it is in training mode; export the model in evaluation mode");
  }
  c.set(0, c.input(0));
  if (c.wants(1)) c.set(1, c.b.filled(1, c.shape(0), DType::boolean));
}

}  // namespace

std::vector<OpDef> cast_ops() {
  constexpr auto kRouting = RelevanceClass::routing;
  return {
      {"", "Cast", {1, 6, 9, 13, 19, 21, 23, 24}, lower_cast, kRouting},
      {"", "CastLike", {15, 19, 21, 23, 24}, lower_cast_like, kRouting},
      {"", "Identity", {1, 13, 14, 16, 19, 21, 23, 24}, lower_identity, kRouting},
      {"", "Dropout", {1, 6, 7, 10, 12, 13, 22}, lower_dropout, kRouting, {2}},
  };
}

}  // namespace onnxray
