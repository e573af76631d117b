#pragma once

#include <string>
#include <string_view>

namespace onnx {
class NodeProto;
}

namespace onnxray {

/// `text` in quotes for a message: control characters are escaped and long text is shortened, because
/// it comes from a file that nobody vouches for.
std::string quote(std::string_view text);

/// "Conv node 'conv1'", or by its first output where the node has no name.
std::string label_of(const onnx::NodeProto& node);

}  // namespace onnxray
