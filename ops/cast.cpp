#include <algorithm>

#include "core/fail.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// Cast-1 spells its type out; the place in this list is the number that later versions use.
DType dtype_from_label(std::string_view label) {
  constexpr std::string_view kLabels[] = {"UNDEFINED", "FLOAT",  "UINT8",  "INT8",   "UINT16",
                                          "INT16",     "INT32",  "INT64",  "STRING", "BOOL",
                                          "FLOAT16",   "DOUBLE", "UINT32", "UINT64"};
  const auto at = std::ranges::find(kLabels, label);
  require(at != std::end(kLabels), ErrorCode::bad_file, "attribute 'to' names an unknown type '{}'", label);
  return dtype_from_number(at - std::begin(kLabels));
}

void lower_cast(LowerContext& c) {
  require(c.has_attr("to"), ErrorCode::bad_file, "attribute 'to' is missing");
  const DType to =
      c.version < 6 ? dtype_from_label(c.string_attr("to", "")) : dtype_from_number(c.int_attr("to", 0));
  c.set(0, c.b.cast(c.input(0), to));
}

void lower_cast_like(LowerContext& c) { c.set(0, c.b.cast(c.input(0), c.b.dtype(c.input(1)))); }

void lower_identity(LowerContext& c) { c.set(0, c.input(0)); }

/// The input itself, in training mode too (onnx/training_mode.h); the mask keeps everything. Before opset 10
/// the mask had the input's type.
void lower_dropout(LowerContext& c) {
  c.set(0, c.input(0));
  if (c.wants(1))
    c.set(1, c.b.filled(1, c.shape(0), c.version < 10 ? c.b.dtype(c.input(0)) : DType::boolean));
}

}  // namespace

std::vector<OpDef> cast_ops() {
  constexpr auto kRouting = RelevanceClass::routing;
  return {
      {"", "Cast", {1, 6, 9, 13, 19, 21, 23, 24, 25, 28}, lower_cast, kRouting},
      {"", "CastLike", {15, 19, 21, 23, 24, 25}, lower_cast_like, kRouting},
      {"", "Identity", {1, 13, 14, 16, 19, 21, 23, 24, 25}, lower_identity, kRouting},
      {"", "Dropout", {1, 6, 7, 10, 12, 13, 22}, lower_dropout, kRouting, {2}},
  };
}

}  // namespace onnxray
