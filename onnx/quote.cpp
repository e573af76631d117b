#include "onnx/quote.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

namespace onnxray {

std::string quote(std::string_view text) {
  constexpr size_t kLongest = 120;
  std::string result = "'";
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      result += fmt::format("\\x{:02x}", byte);
    else
      result += c;
  }
  if (text.size() > kLongest) result += "...";
  return result + "'";
}

std::string label_of(const onnx::NodeProto& node) {
  const std::string op = node.op_type().empty() ? "untyped" : quote(node.op_type());
  if (!node.name().empty()) return fmt::format("{} node {}", op, quote(node.name()));
  if (node.output_size() > 0) return fmt::format("{} node that writes {}", op, quote(node.output(0)));
  return fmt::format("{} node without name or outputs", op);
}

}  // namespace onnxray
