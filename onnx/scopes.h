#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onnx {
class NodeProto;
}

namespace onnxray {

/// The torch module paths that the dynamo exporter noted at a node, outermost first.
std::vector<std::string> scopes_of(const onnx::NodeProto& node);

/// The strings of a Python list as `repr` writes it; nothing where it is none.
std::vector<std::string> parse_python_list(std::string_view text);

}  // namespace onnxray
