#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace onnxray::suite {

/// What the suite expects of each case: to pass, or to be skipped for a reason.
/// One line per case: "node/test_add pass", "node/test_round float32" or "node/test_adam skip training op".
class StatusList {
 public:
  static StatusList read(const std::filesystem::path& path);
  void write(const std::filesystem::path& path) const;

  void set(const std::string& name, std::optional<std::string> skip_reason);
  void set_float32_only(const std::string& name);
  /// Cases that pass in float32 alone: their expected values hold its rounding.
  bool float32_only(const std::string& name) const { return float32_.contains(name); }
  bool has(const std::string& name) const { return reasons_.contains(name); }
  /// Why the case is skipped; nothing if it must pass. The case must be listed.
  const std::optional<std::string>& skip_reason(const std::string& name) const { return reasons_.at(name); }
  const std::map<std::string, std::optional<std::string>>& all() const { return reasons_; }

 private:
  std::map<std::string, std::optional<std::string>> reasons_;
  std::set<std::string> float32_;
};

/// The kind of trouble that a failed case's message tells of, such as "unsupported op NonZero" or "differs".
std::string reason_of(const std::string& message);

}  // namespace onnxray::suite
