#include "onnx/flat_graph.h"

#include "core/fail.h"
#include "onnx/quote.h"

namespace onnxray {

std::string normal_domain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

template <class Proto>
OpsetImports read_opsets(const Proto& proto, const std::string& where) {
  OpsetImports result;
  for (const auto& import : proto.opset_import()) {
    const std::string domain = normal_domain(import.domain());
    require(import.version() >= 1 && import.version() < 1'000'000, ErrorCode::bad_file,
            "{} imports opset {} of domain {}", where, import.version(), quote(domain));
    const auto [it, is_new] = result.emplace(domain, import.version());
    require(is_new || it->second == import.version(), ErrorCode::bad_file,
            "{} imports the opsets {} and {} of domain {}", where, it->second, import.version(),
            quote(domain));
  }
  return result;
}

template OpsetImports read_opsets(const onnx::ModelProto&, const std::string&);
template OpsetImports read_opsets(const onnx::FunctionProto&, const std::string&);

std::string place_of(const CallFrame& frame) {
  return frame.call_name.empty() ? "" : fmt::format(" (in the function call {})", quote(frame.call_name));
}

int64_t opset_of(const std::string& domain, const CallFrame& frame) {
  if (const auto it = frame.opsets->find(domain); it != frame.opsets->end()) return it->second;
  return frame.caller ? opset_of(domain, *frame.caller) : 0;
}

}  // namespace onnxray
