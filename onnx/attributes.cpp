#include "onnx/attributes.h"

#include "core/fail.h"
#include "onnx/quote.h"
#include "onnx/tensor_proto.h"

namespace onnxray {

namespace {

using Proto = onnx::AttributeProto;

std::string name_attribute(const Proto& attribute, const FlatNode& node) {
  return fmt::format("attribute {} of the {}{}", quote(attribute.name()), label_of(*node.proto),
                     place_of(*node.frame));
}

Attribute read_attribute(Proto& attribute, const FlatNode& node, TensorReader& tensors) {
  switch (type_of(attribute)) {
    case Proto::INT: return attribute.i();
    case Proto::FLOAT: return static_cast<double>(attribute.f());
    case Proto::STRING: return attribute.s();
    case Proto::INTS: return std::vector<int64_t>(attribute.ints().begin(), attribute.ints().end());
    case Proto::FLOATS: return std::vector<double>(attribute.floats().begin(), attribute.floats().end());
    case Proto::STRINGS:
      return std::vector<std::string>(attribute.strings().begin(), attribute.strings().end());
    case Proto::TENSOR: return tensors.read(*attribute.mutable_t(), name_attribute(attribute, node));
    default: break;
  }
  fail(ErrorCode::bad_file, "{} has no value", name_attribute(attribute, node));
}

}  // namespace

Proto* resolve_attribute(Proto& attribute, const CallFrame& frame) {
  if (attribute.ref_attr_name().empty()) return &attribute;
  require(frame.caller != nullptr, ErrorCode::bad_file,
          "attribute {} refers to the function attribute {} but stands outside of any function",
          quote(attribute.name()), quote(attribute.ref_attr_name()));
  const auto it = frame.attributes.find(attribute.ref_attr_name());
  if (it == frame.attributes.end()) return nullptr;
  const bool same = attribute.type() == Proto::UNDEFINED || attribute.type() == type_of(*it->second);
  require(same, ErrorCode::bad_file, "attribute {} refers to {}, which has another type{}",
          quote(attribute.name()), quote(attribute.ref_attr_name()), place_of(frame));
  return it->second;
}

Proto::AttributeType type_of(const Proto& attribute) {
  if (attribute.type() != Proto::UNDEFINED) return attribute.type();
  if (attribute.has_f()) return Proto::FLOAT;
  if (attribute.has_i()) return Proto::INT;
  if (attribute.has_s()) return Proto::STRING;
  if (attribute.has_t()) return Proto::TENSOR;
  if (attribute.has_g()) return Proto::GRAPH;
  if (attribute.floats_size() > 0) return Proto::FLOATS;
  if (attribute.ints_size() > 0) return Proto::INTS;
  if (attribute.strings_size() > 0) return Proto::STRINGS;
  return Proto::UNDEFINED;
}

Attributes read_attributes(const FlatNode& node, TensorReader& tensors, GrowthBudget& budget) {
  Attributes result;
  for (Proto& written : *node.proto->mutable_attribute()) {
    Proto* attribute = resolve_attribute(written, *node.frame);
    if (!attribute || type_of(*attribute) == Proto::GRAPH) continue;  // FlatNode::bodies
    // A reference repeats what the file holds once; tensors are shared.
    if (attribute != &written && type_of(*attribute) != Proto::TENSOR) {
      budget.spend(8 * static_cast<int64_t>(attribute->ByteSizeLong()) + 64, 1, "a function's attributes");
    }
    const bool is_new = result.emplace(written.name(), read_attribute(*attribute, node, tensors)).second;
    require(is_new, ErrorCode::bad_file, "{} is given twice", name_attribute(written, node));
  }
  return result;
}

Tensor read_constant(const FlatNode& node, TensorReader& tensors) {
  Proto* value = nullptr;
  std::string name;
  for (Proto& written : *node.proto->mutable_attribute()) {
    Proto* attribute = resolve_attribute(written, *node.frame);
    if (!attribute) continue;
    require(!value, ErrorCode::bad_file, "the {} has more than one value", label_of(*node.proto));
    value = attribute;
    name = written.name();
  }
  require(value != nullptr, ErrorCode::bad_file, "the {} has no value", label_of(*node.proto));
  const auto type = type_of(*value);
  if (name == "value" && type == Proto::TENSOR) {
    return tensors.read(*value->mutable_t(), "the value of the " + label_of(*node.proto));
  }
  const auto length = [](const auto& list) { return Shape{static_cast<int64_t>(list.size())}; };
  if (name == "value_float" && type == Proto::FLOAT) return Tensor::scalar(value->f());
  if (name == "value_int" && type == Proto::INT) return Tensor::scalar(int64_t{value->i()});
  if (name == "value_floats" && type == Proto::FLOATS) {
    return Tensor::of(length(value->floats()),
                      std::vector<float>(value->floats().begin(), value->floats().end()));
  }
  if (name == "value_ints" && type == Proto::INTS) {
    return Tensor::of(length(value->ints()),
                      std::vector<int64_t>(value->ints().begin(), value->ints().end()));
  }
  fail(ErrorCode::bad_file, "{} has no form that Constant knows", name_attribute(*value, node));
}

}  // namespace onnxray
