#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace onnxray {

/// Reads a method name from left to right, in words that '_' parts.
class NameCursor {
 public:
  explicit NameCursor(std::string_view rest) : rest_(rest) {}

  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  /// Steps over `word` where it comes next and ends there, at '_' or at the end; a word that itself ends in
  /// '_' may stop anywhere.
  bool eat(std::string_view word);
  /// DIGITS ["_" DIGITS]: the second group holds the decimals, verbatim. "0_25" is 0.25, "10" is 10.
  std::optional<double> unsigned_number();
  /// ["neg_"] unsigned_number
  std::optional<double> number();
  std::optional<int64_t> integer();  ///< above 0

 private:
  std::string digits();
  std::string_view rest_;
};

}  // namespace onnxray
