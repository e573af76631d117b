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

std::vector<std::string> scopes_of_name(std::string_view name) {
  constexpr size_t kDeepest = 64;  // each repeats those around it: without a bound a name takes its square
  if (!name.starts_with('/')) return {};
  std::vector<std::string> scopes;
  std::string path, last;
  name.remove_prefix(1);
  for (size_t slash = name.find('/'); slash != std::string_view::npos && scopes.size() < kDeepest;
       slash = name.find('/')) {
    const std::string part(name.substr(0, slash));
    // A child of Sequential or ModuleList repeats its parent: "/features/features.0" is features.0.
    if (!last.empty() && part.starts_with(last + "."))
      path += part.substr(last.size());
    else
      path += (path.empty() ? "" : ".") + part;
    last = part;
    scopes.push_back(path);
    name.remove_prefix(slash + 1);
  }
  return scopes;
}

std::vector<std::string> scopes_of(const onnx::NodeProto& node) {
  const auto metadata = metadata_of(node);
  const auto it = metadata.find("pkg.torch.onnx.name_scopes");
  if (it == metadata.end()) return scopes_of_name(node.name());
  auto scopes = parse_python_list(it->second);
  // The last entry is the name of the node itself; the root module's is empty.
  if (!scopes.empty()) scopes.pop_back();
  std::erase(scopes, "");
  return scopes;
}

}  // namespace onnxray
