#include "tests/suite_onnx/status_list.h"

#include <fstream>
#include <regex>
#include <sstream>

#include "core/fail.h"

namespace onnxray::suite {

StatusList StatusList::read(const std::filesystem::path& path) {
  StatusList list;
  std::ifstream file(path);
  require(file.is_open(), ErrorCode::bad_file, "cannot read {}", path.string());
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, status, reason;
    words >> name >> status >> std::ws;
    std::getline(words, reason);
    const bool skip = status == "skip" && !reason.empty();
    require(skip || ((status == "pass" || status == "float32") && reason.empty()), ErrorCode::bad_file,
            "{}: '{}' is none of 'NAME pass', 'NAME float32', 'NAME skip REASON'", path.string(), line);
    require(!list.has(name), ErrorCode::bad_file, "{}: '{}' is listed twice", path.string(), name);
    list.set(name, skip ? std::optional(reason) : std::nullopt);
    if (status == "float32") list.set_float32_only(name);
  }
  return list;
}

void StatusList::write(const std::filesystem::path& path) const {
  std::ofstream file(path);
  file << "# What each case of ONNX's backend test data must do. A pass that fails and a skip that passes "
          "are\n"
          "# errors. Written by: ONNXRAY_WRITE_STATUS=tests/suite_onnx/status.txt test_suite_onnx "
          "'[.write]'\n";
  for (const auto& [name, reason] : reasons_) {
    const char* passes = float32_only(name) ? " float32" : " pass";
    file << name << (reason ? " skip " + *reason : passes) << '\n';
  }
  require(file.good(), ErrorCode::failed, "cannot write {}", path.string());
}

void StatusList::set(const std::string& name, std::optional<std::string> skip_reason) {
  reasons_[name] = std::move(skip_reason);
}

void StatusList::set_float32_only(const std::string& name) { float32_.insert(name); }

std::string reason_of(const std::string& message) {
  struct Reason {
    const char* pattern;
    const char* text;
  };
  // What the data is comes first: a sequence needs more than its operator.
  static constexpr Reason kReasons[] = {
      // The first: an expected sequence, read as a tensor.
      {"one segment of a larger|is a sequence|is no sequence|'Sequence[A-Za-z]*' ", "sequence"},
      {"an optional value|'Optional", "optional"},
      {"STRING", "string tensor"},
      {"training mode", "training mode"},
      {"'ai.onnx.preview.training", "training op"},
      {"element type (FLOAT8|FLOAT4|U?INT[24])", "8-bit floats and elements below a byte"},
      {"'to' names|to_number|element type number", "8-bit floats and elements below a byte"},
      {"^input '[^']*' has shape", "the data contradicts the declared shape"},
      {"depends on the data", "an operand that depends on the data"},
      {"inverse of a onesided", "the inverse of a onesided transform"},
      {"^differs", "differs"},
  };
  for (const Reason& reason : kReasons) {
    if (std::regex_search(message, std::regex(reason.pattern))) return reason.text;
  }
  std::smatch op;
  if (std::regex_search(message, op, std::regex("'([A-Za-z0-9.]+)' [(]opset")))
    return "unsupported op " + op[1].str();
  return message.substr(0, 100);
}

}  // namespace onnxray::suite
