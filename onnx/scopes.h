#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onnx {
class NodeProto;
}

namespace onnxray {

/// The torch module paths of a node, outermost first: as the dynamo exporter noted them, or from the node's
/// name.
std::vector<std::string> scopes_of(const onnx::NodeProto& node);

/// The module paths in a name that the TorchScript exporter gave: "/body/body.0/Conv" is in body and body.0.
std::vector<std::string> scopes_of_name(std::string_view name);

/// The strings of a Python list as `repr` writes it; nothing where it is none.
std::vector<std::string> parse_python_list(std::string_view text);

}  // namespace onnxray
