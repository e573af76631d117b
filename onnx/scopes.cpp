#include "onnx/scopes.h"

#include <onnx/onnx_pb.h>

#include "onnx/proto_compat.h"

namespace onnxray {

std::vector<std::string> parse_python_list(std::string_view text) {
  std::vector<std::string> result;
  size_t i = 0;
  const auto skip = [&](std::string_view set) { i = std::min(text.find_first_not_of(set, i), text.size()); };
  skip(" ");
  if (i == text.size() || text[i++] != '[') return {};
  for (;;) {
    skip(" ,");
    if (i == text.size()) return {};
    const char quote = text[i++];
    if (quote == ']') return result;
    if (quote != '\'' && quote != '"') return {};
    std::string item;
    while (i < text.size() && text[i] != quote) {
      if (text[i] == '\\' && ++i == text.size()) return {};
      item += text[i++];
    }
    if (i++ == text.size()) return {};
    result.push_back(std::move(item));
  }
}

std::vector<std::string> scopes_of(const onnx::NodeProto& node) {
  const auto metadata = metadata_of(node);
  const auto it = metadata.find("pkg.torch.onnx.name_scopes");
  if (it == metadata.end()) return {};
  auto scopes = parse_python_list(it->second);
  // The last entry is the name of the node itself; the root module's is empty.
  if (!scopes.empty()) scopes.pop_back();
  std::erase(scopes, "");
  return scopes;
}

}  // namespace onnxray
