#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace onnxray::suite {

/// What the suite expects of each case: to pass, or to be skipped for a reason.
/// One line per case: "node/test_add pass" or "node/test_adam skip unsupported op Adam".
class StatusList {
 public:
  static StatusList read(const std::filesystem::path& path);
  void write(const std::filesystem::path& path) const;

  void set(const std::string& name, std::optional<std::string> skip_reason);
  bool has(const std::string& name) const { return reasons_.contains(name); }
  /// Why the case is skipped; nothing if it must pass. The case must be listed.
  const std::optional<std::string>& skip_reason(const std::string& name) const { return reasons_.at(name); }
  const std::map<std::string, std::optional<std::string>>& all() const { return reasons_; }

 private:
  std::map<std::string, std::optional<std::string>> reasons_;
};

/// The kind of trouble that a failed case's message tells of, such as "unsupported op NonZero" or "differs".
std::string reason_of(const std::string& message);

}  // namespace onnxray::suite
