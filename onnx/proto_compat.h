#pragma once

#include <map>
#include <string>
#include <vector>

namespace onnx {
class AttributeProto;
class FunctionProto;
class NodeProto;
}  // namespace onnx

namespace onnxray {

// Fields that are newer than the ONNX 1.12 headers. Where the installed headers lack one, protobuf has
// kept it among the message's unknown fields, and it is read from there.

std::string overload_of(const onnx::NodeProto& node);
std::string overload_of(const onnx::FunctionProto& function);
std::map<std::string, std::string> metadata_of(const onnx::NodeProto& node);
/// The attributes of a local function that have a default value.
std::vector<onnx::AttributeProto> default_attributes_of(const onnx::FunctionProto& function);

}  // namespace onnxray
