#include "ops/op.h"

#include <algorithm>

#include "core/fail.h"
#include "core/rethrow.h"
#include "ops/expand.h"

namespace onnxray {

const OpDef* OpRegistry::find(std::string_view domain, std::string_view name) const {
  // The last one added wins, so that a caller may replace a built-in.
  const auto it = std::find_if(ops_.rbegin(), ops_.rend(),
                               [&](const OpDef& op) { return op.name == name && op.domain == domain; });
  return it == ops_.rend() ? nullptr : &*it;
}

int64_t extent_of(const Shape& shape, size_t axis, size_t i) {
  require(axis < shape.size(), ErrorCode::bad_file, "its input {} is {}: at least {} axes are needed", i,
          to_string(shape), axis + 1);
  return shape[axis];
}

LowerContext::LowerContext(const Node& n, Builder& builder, std::vector<Var> inputs, int64_t since)
    : node(n), b(builder), version(since), inputs_(std::move(inputs)), outputs_(n.outputs.size()) {}

Var LowerContext::input(size_t i) const {
  require(has(i), ErrorCode::bad_file, "input {} is missing", i);
  return inputs_[i];
}

const Tensor& LowerContext::constant(size_t i, std::string_view what) const {
  const Tensor* value = b.constant(input(i));
  require(value != nullptr, ErrorCode::unsupported,
          "its {} (input {}) depends on the data; it must be a constant, a shape, or a bound input", what, i);
  return *value;
}

std::vector<int64_t> LowerContext::int_constants(size_t i, std::string_view what,
                                                 const Bounds& bounds) const {
  std::vector<int64_t> values = constant(i, what).to_int64s();
  require_within(bounds, values, what);
  return values;
}

int64_t LowerContext::int_constant(size_t i, std::string_view what, const Bounds& bounds) const {
  const std::vector<int64_t> values = int_constants(i, what, bounds);
  require(values.size() == 1, ErrorCode::bad_file, "its {} must be one number, not {}", what, values.size());
  return values[0];
}

double LowerContext::real_constant(size_t i, std::string_view what) const {
  const Tensor& value = constant(i, what);
  require(value.size() == 1, ErrorCode::bad_file, "its {} must be one number, not {}", what, value.size());
  return value.as_double(0);
}

void LowerContext::set(size_t i, Var v) {
  if (i < outputs_.size()) outputs_[i] = v;
}

int64_t effective_version(const OpDef& op, const Node& node) {
  int64_t version = op.versions.front();
  for (const int since : op.versions) {
    if (since <= node.opset) version = since;
  }
  return version;
}

bool expands(const OpDef& op, const Node& node) {
  return op.expand != nullptr && effective_version(op, node) < op.expand_before;
}

bool is_grid(const OpRegistry& ops, const Node& node) {
  const OpDef* op = ops.find(node.domain, node.op);
  return op != nullptr && op->is_grid;
}

std::vector<Var> lower_node(const OpRegistry& ops, const Node& node, Builder& builder,
                            std::vector<Var> inputs) {
  const OpDef* op = ops.find(node.domain, node.op);
  require(op != nullptr, ErrorCode::unsupported, "{}: onnxray does not know this operator", node.describe());
  try {
    LowerContext context(node, builder, std::move(inputs), effective_version(*op, node));
    if (expands(*op, node))
      lower_expanded(context);
    else
      op->lower(context);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      require(node.outputs[i] == kNoValue || static_cast<bool>(context.outputs()[i]), ErrorCode::unsupported,
              "output {} is not available", i);
    }
    return context.outputs();
  } catch (...) {
    rethrow_as_error(node.describe());
  }
}

}  // namespace onnxray
