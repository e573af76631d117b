#include "onnx/local_functions.h"

#include "core/fail.h"
#include "onnx/proto_compat.h"
#include "onnx/quote.h"

namespace onnxray {

namespace {

std::string key_of(const std::string& domain, const std::string& name, const std::string& overload) {
  // A separator that no identifier holds.
  return normal_domain(domain) + '\n' + name + '\n' + overload;
}

size_t expanded_size(const onnx::FunctionProto& function, const std::vector<onnx::AttributeProto>& defaults) {
  constexpr size_t kNode = 400, kName = 200;
  auto names = static_cast<size_t>(function.input_size() + function.output_size());
  names += defaults.size();
  for (const auto& node : function.node()) {
    names += static_cast<size_t>(node.input_size() + node.output_size() + node.attribute_size());
  }
  return kNode * static_cast<size_t>(function.node_size() + 1) + kName * names + function.ByteSizeLong();
}

}  // namespace

std::map<std::string, LocalFunction> read_functions(onnx::ModelProto& model) {
  std::map<std::string, LocalFunction> result;
  for (auto& proto : *model.mutable_functions()) {
    const std::string what = "function " + quote(proto.name());
    require(!proto.name().empty(), ErrorCode::bad_file, "a local function has no name");
    LocalFunction function;
    function.proto = &proto;
    function.opsets = read_opsets(proto, what);
    function.defaults = default_attributes_of(proto);
    function.size = expanded_size(proto, function.defaults);
    const bool is_new =
        result.emplace(key_of(proto.domain(), proto.name(), overload_of(proto)), std::move(function)).second;
    require(is_new, ErrorCode::bad_file, "{} of domain {} is defined twice", what, quote(proto.domain()));
  }
  return result;
}

LocalFunction* find_function(std::map<std::string, LocalFunction>& functions, const onnx::NodeProto& node) {
  if (functions.empty()) return nullptr;
  const auto it = functions.find(key_of(node.domain(), node.op_type(), overload_of(node)));
  return it == functions.end() ? nullptr : &it->second;
}

}  // namespace onnxray
