#include "onnx/export/writer.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace onnxray::exporting {

Kind kind_of(DType dtype) {
  if (is_floating(dtype)) return Kind::real;
  return dtype == DType::boolean ? Kind::boolean : Kind::integer;
}

int32_t onnx_type_of(DType dtype) {
  switch (dtype) {
    case DType::f16: return onnx::TensorProto::FLOAT16;
    case DType::bf16: return onnx::TensorProto::BFLOAT16;
    case DType::f32: return onnx::TensorProto::FLOAT;
    case DType::f64: return onnx::TensorProto::DOUBLE;
    case DType::i8: return onnx::TensorProto::INT8;
    case DType::i16: return onnx::TensorProto::INT16;
    case DType::i32: return onnx::TensorProto::INT32;
    case DType::i64: return onnx::TensorProto::INT64;
    case DType::u8: return onnx::TensorProto::UINT8;
    case DType::u16: return onnx::TensorProto::UINT16;
    case DType::u32: return onnx::TensorProto::UINT32;
    case DType::u64: return onnx::TensorProto::UINT64;
    case DType::boolean: return onnx::TensorProto::BOOL;
  }
  return onnx::TensorProto::UNDEFINED;
}

namespace {

void set_attribute(onnx::NodeProto& node, const std::string& name, const Attribute& value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  if (const auto* number = std::get_if<int64_t>(&value)) {
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(*number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    attribute.set_type(onnx::AttributeProto::STRING);
    attribute.set_s(*text);
  } else {
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const int64_t i : std::get<std::vector<int64_t>>(value)) attribute.add_ints(i);
  }
}

bool all_zero(const std::vector<int64_t>& values) {
  return std::ranges::all_of(values, [](int64_t v) { return v == 0; });
}

}  // namespace

std::string Writer::fresh_name() { return "onnxray." + std::to_string(++store_.last); }

int32_t Writer::onnx_type(Kind kind) const {
  switch (kind) {
    case Kind::real: return onnx_type_of(DType::f32);
    case Kind::integer: return onnx::TensorProto::INT64;
    case Kind::boolean: return onnx::TensorProto::BOOL;
  }
  return onnx::TensorProto::UNDEFINED;
}

Values Writer::nodes(const std::string& op, const Values& inputs, Values results,
                     const Attributes& attributes) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(op);
  for (const Value& input : inputs) node.add_input(input.name);
  for (Value& result : results) {
    result.name = fresh_name();
    node.add_output(result.name);
  }
  node.set_name(results.front().name);
  for (const auto& [name, value] : attributes) set_attribute(node, name, value);
  return results;
}

Value Writer::node(const std::string& op, const Values& inputs, Kind kind, Shape shape,
                   const Attributes& attributes) {
  return nodes(op, inputs, {Value{{}, kind, std::move(shape)}}, attributes).front();
}

void Writer::named(const Value& value, const std::string& name, int32_t type) {
  onnx::NodeProto& node = *graph_.add_node();
  const bool casts = type != onnx_type(value.kind);
  node.set_op_type(casts ? "Cast" : "Identity");
  if (casts) set_attribute(node, "to", int64_t{type});
  node.add_input(value.name);
  node.add_output(name);
  node.set_name(fresh_name());
}

Value Writer::constant(const Tensor& tensor, Kind kind) {
  const DType dtype = kind == Kind::real ? DType::f32 : kind == Kind::integer ? DType::i64 : DType::boolean;
  const std::pair key{tensor.bytes(), tensor.shape()};
  if (const auto it = store_.tensors.find(key); it != store_.tensors.end() && it->second.kind == kind)
    return it->second;
  const Tensor converted = tensor.to(dtype);
  onnx::TensorProto& proto = *store_.constants->add_initializer();
  proto.set_name(fresh_name());
  proto.set_data_type(onnx_type(kind));
  for (const int64_t extent : converted.shape()) proto.add_dims(extent);
  proto.set_raw_data(converted.bytes(), static_cast<size_t>(converted.byte_size()));
  store_.kept.push_back(tensor);
  return store_.tensors[key] = {proto.name(), kind, converted.shape()};
}

Value Writer::scalar(double value, Kind kind) {
  if (value != value) return constant(Tensor::scalar(value), kind);  // NaN is no key
  const auto [it, is_new] = store_.scalars.try_emplace({kind, value});
  if (is_new || (value == 0 && std::signbit(value)))
    return it->second = constant(Tensor::scalar(value), kind);
  return it->second;
}

Value Writer::ints(const std::vector<int64_t>& values) {
  return constant(Tensor::of<int64_t>({std::ssize(values)}, values), Kind::integer);
}

Value Writer::cast(const Value& value, Kind kind) {
  if (value.kind == kind) return value;
  return node("Cast", {value}, kind, value.shape, {{"to", int64_t{onnx_type(kind)}}});
}

Value Writer::expand(const Value& value, const Shape& shape) {
  return value.shape == shape ? value : node("Expand", {value, ints(shape)}, value.kind, shape);
}

Value Writer::reshape(const Value& value, const Shape& shape) {
  if (value.shape == shape) return value;
  const bool empty = std::ranges::find(shape, 0) != shape.end();
  return node("Reshape", {value, ints(shape)}, value.kind, shape,
              empty ? Attributes{{"allowzero", int64_t{1}}} : Attributes{});
}

Value Writer::transpose(const Value& value, const std::vector<int64_t>& permutation) {
  if (std::ranges::is_sorted(permutation)) return value;
  Shape shape;
  for (const int64_t axis : permutation) shape.push_back(value.shape[static_cast<size_t>(axis)]);
  return node("Transpose", {value}, value.kind, shape, {{"perm", permutation}});
}

Value Writer::slice(const Value& value, const std::vector<int64_t>& starts, const std::vector<int64_t>& steps,
                    const Shape& shape) {
  std::vector<int64_t> axes, from, to, by;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (starts[i] == 0 && steps[i] == 1 && shape[i] == value.shape[i]) continue;
    // One past the last element; below 0 that would count from the end.
    const int64_t end = starts[i] + (shape[i] - 1) * steps[i] + (steps[i] > 0 ? 1 : -1);
    axes.push_back(static_cast<int64_t>(i));
    from.push_back(starts[i]);
    to.push_back(shape[i] == 0 ? starts[i] : end < 0 ? std::numeric_limits<int64_t>::min() : end);
    by.push_back(steps[i]);
  }
  if (axes.empty()) return value;
  return node("Slice", {value, ints(from), ints(to), ints(axes), ints(by)}, value.kind, shape);
}

Value Writer::pad(const Value& value, const std::vector<int64_t>& begin, const std::vector<int64_t>& end,
                  double fill) {
  std::vector<int64_t> starts, steps(begin.size(), 1), front, back;
  Shape kept, padded;
  for (size_t i = 0; i < begin.size(); ++i) {
    starts.push_back(std::max<int64_t>(-begin[i], 0));
    front.push_back(std::max<int64_t>(begin[i], 0));
    back.push_back(std::max<int64_t>(end[i], 0));
    kept.push_back(value.shape[i] - starts[i] - std::max<int64_t>(-end[i], 0));
    padded.push_back(kept[i] + front[i] + back[i]);
  }
  const Value inner = slice(value, starts, steps, kept);
  if (all_zero(front) && all_zero(back)) return inner;
  front.insert(front.end(), back.begin(), back.end());
  return node("Pad", {inner, ints(front), scalar(fill, value.kind)}, value.kind, padded);
}

}  // namespace onnxray::exporting
