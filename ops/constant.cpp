#include <cmath>

#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

Tensor constant_value(const Node& node) {
  if (const Tensor* value = tensor_attribute(node, "value")) return *value;
  if (has_attribute(node, "value_float"))
    return Tensor::scalar(static_cast<float>(float_attribute(node, "value_float", 0)));
  if (has_attribute(node, "value_int"))
    return Tensor::scalar(int_attribute(node, "value_int", 0, kAnyInteger));
  if (has_attribute(node, "value_ints")) {
    const auto values = ints_attribute(node, "value_ints", kAnyInteger);
    return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
  }
  if (has_attribute(node, "value_floats")) {
    const auto values = floats_attribute(node, "value_floats");
    return Tensor::of<double>({static_cast<int64_t>(values.size())}, values).to(DType::f32);
  }
  fail(ErrorCode::unsupported,
       "its value is not a tensor of numbers (strings and sparse tensors are not supported)");
}

void lower_constant(LowerContext& ctx) { ctx.set(0, ctx.b.constant(constant_value(ctx.node))); }

void lower_constant_of_shape(LowerContext& ctx) {
  const Shape shape = ctx.int_constants(0, "shape");
  const Tensor* value = tensor_attribute(ctx.node, "value");
  require(value == nullptr || value->size() == 1, ErrorCode::bad_file,
          "its value must be one number, not a tensor {}", value ? to_string(value->shape()) : "");
  const Tensor one = value ? value->reshaped({}) : Tensor::filled(DType::f32, {}, 0);
  // Broadcasting keeps integers exact that a double cannot hold; and what is large is written when the
  // program runs, where it is needed at all.
  constexpr int64_t kLarge = 1 << 20;
  const bool is_exact = !is_integer(one.dtype()) || std::abs(one.as_double(0)) <= 9007199254740992.0;
  if (is_exact && element_count(shape) <= kLarge)
    return ctx.set(0, ctx.b.filled(one.as_double(0), shape, one.dtype()));
  ctx.set(0, ctx.b.broadcast(ctx.b.constant(one), shape));
}

/// How many numbers a Range counts at most.
constexpr double kMostNumbers = 1e9;

void check_range_length(double steps) {
  require(!(steps > kMostNumbers), ErrorCode::unsupported, "it would count {:g} numbers", steps);
}

// n = max(0, ceil((limit - start) / delta)), with a distance that an unsigned number holds
int64_t integer_range_length(int64_t start, int64_t limit, int64_t delta) {
  if (delta > 0 ? limit <= start : limit >= start) return 0;
  const auto low = static_cast<uint64_t>(delta > 0 ? start : limit),
             high = static_cast<uint64_t>(delta > 0 ? limit : start);
  const uint64_t step = delta > 0 ? static_cast<uint64_t>(delta) : uint64_t{0} - static_cast<uint64_t>(delta);
  const uint64_t n = (high - low - 1) / step + 1;
  check_range_length(static_cast<double>(n));
  return static_cast<int64_t>(n);
}

// y[i] = start + i * delta for i < max(0, ceil((limit - start) / delta))
void lower_range(LowerContext& ctx) {
  const Tensor &start = ctx.constant(0, "start"), &limit = ctx.constant(1, "limit"),
               &delta = ctx.constant(2, "delta");
  require(start.size() == 1 && limit.size() == 1 && delta.size() == 1 && delta.as_double(0) != 0,
          ErrorCode::bad_file, "start, limit and delta must be one number each, and delta not 0");
  const DType dtype = start.dtype();
  if (is_floating(dtype)) {
    const double steps = std::ceil((limit.as_double(0) - start.as_double(0)) / delta.as_double(0));
    check_range_length(steps);
    ctx.b.claim(static_cast<int64_t>(steps > 0 ? steps : 0));
    std::vector<double> values(static_cast<size_t>(steps > 0 ? steps : 0));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = start.as_double(0) + static_cast<double>(i) * delta.as_double(0);
    const auto n = std::ssize(values);
    return ctx.set(0, ctx.b.constant(Tensor::of<double>({n}, values).to(dtype)));
  }
  const int64_t n = integer_range_length(start.as_int64(0), limit.as_int64(0), delta.as_int64(0));
  ctx.b.claim(n);
  std::vector<int64_t> values(static_cast<size_t>(n));
  // Modulo 2^64, since i * delta alone may be longer than int64: no number lies beyond the limit.
  const auto first = static_cast<uint64_t>(start.as_int64(0)),
             step = static_cast<uint64_t>(delta.as_int64(0));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(first + i * step);
  ctx.set(0, ctx.b.constant(Tensor::of<int64_t>({n}, values).to(dtype)));
}

}  // namespace

std::vector<OpDef> constant_ops() {
  using enum RelevanceClass;
  return {
      {"", "Constant", {1, 9, 11, 12, 13, 19, 21, 23, 24, 25}, lower_constant, none},
      {"", "ConstantOfShape", {9, 20, 21, 23, 24, 25}, lower_constant_of_shape, none, {0}},
      {"", "Range", {11, 27}, lower_range, none, {0, 1, 2}},
  };
}

}  // namespace onnxray
