#include "core/fail.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

void lower_cast(LowerContext& c) {
  require(c.has_attr("to"), ErrorCode::bad_file, "attribute 'to' is missing");
  if (c.version < 6) fail(ErrorCode::unsupported, "Cast before opset 6 names its type by a string; export with a newer opset");
  c.set(0, c.b.cast(c.input(0), dtype_from_number(c.int_attr("to", 0))));
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
