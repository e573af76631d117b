#include "onnx/proto_compat.h"

#include <google/protobuf/unknown_field_set.h>
#include <onnx/onnx_pb.h>

#include "core/fail.h"

namespace onnxray {

namespace {

// onnx.proto, as of ONNX 1.16.
constexpr int kNodeOverload = 8, kNodeMetadata = 9;
constexpr int kFunctionAttributeProto = 11, kFunctionOverload = 13;

/// Calls `visit` with the bytes of every unknown field that has this number.
template <class Proto, class Visit>
void for_each_unknown(const Proto& proto, int number, Visit visit) {
  const auto& fields = proto.unknown_fields();
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() != number) continue;
    require(field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED, ErrorCode::bad_file,
            "field {} of a {} has the wrong wire type", number, proto.GetTypeName());
    visit(field.length_delimited());
  }
}

template <class Message>
Message parse(const std::string& bytes) {
  Message message;
  require(message.ParseFromString(bytes), ErrorCode::bad_file, "a nested {} cannot be parsed",
          message.GetTypeName());
  return message;
}

template <class Proto>
std::string overload(const Proto& proto, int number) {
  if constexpr (requires { proto.overload(); }) {
    return proto.overload();
  } else {
    std::string result;
    for_each_unknown(proto, number, [&](const std::string& bytes) { result = bytes; });
    return result;
  }
}

template <class Proto>
std::map<std::string, std::string> metadata(const Proto& proto) {
  std::map<std::string, std::string> result;
  if constexpr (requires { proto.metadata_props(); }) {
    for (const auto& entry : proto.metadata_props()) result[entry.key()] = entry.value();
  } else {
    for_each_unknown(proto, kNodeMetadata, [&](const std::string& bytes) {
      const auto entry = parse<onnx::StringStringEntryProto>(bytes);
      result[entry.key()] = entry.value();
    });
  }
  return result;
}

template <class Proto>
std::vector<onnx::AttributeProto> default_attributes(const Proto& proto) {
  std::vector<onnx::AttributeProto> result;
  if constexpr (requires { proto.attribute_proto(); }) {
    for (const auto& attribute : proto.attribute_proto()) result.push_back(attribute);
  } else {
    for_each_unknown(proto, kFunctionAttributeProto,
                     [&](const std::string& bytes) { result.push_back(parse<onnx::AttributeProto>(bytes)); });
  }
  return result;
}

}  // namespace

std::string overload_of(const onnx::NodeProto& node) { return overload(node, kNodeOverload); }
std::string overload_of(const onnx::FunctionProto& function) { return overload(function, kFunctionOverload); }
std::map<std::string, std::string> metadata_of(const onnx::NodeProto& node) { return metadata(node); }
std::vector<onnx::AttributeProto> default_attributes_of(const onnx::FunctionProto& function) {
  return default_attributes(function);
}

}  // namespace onnxray
