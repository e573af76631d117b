#pragma once

#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/number_range.h"

namespace onnxray {

/// A place in a JSON text that knows its path. What does not hold what it should is an Error of the text's
/// code that names the text and the path: 'mine.json': rules[2].rule.epsilon must be ...
class JsonValue {
 public:
  /// `source` stands for the text in messages. Values may nest 64 deep; strings must be UTF-8.
  static JsonValue parse(std::string_view text, const std::string& source, ErrorCode code);
  /// Of a file. Error(bad_file) where it cannot be read.
  static JsonValue read(const std::string& path, ErrorCode code);

  bool is_null() const;
  bool is_text() const;
  bool is_number() const;
  bool is_list() const;
  bool is_object() const;

  const std::string& text() const;
  bool flag() const;
  double number(const NumberRange& range) const;
  int64_t whole(double low, double high) const;
  /// Which of `names` the text is.
  size_t choice(std::span<const std::string_view> names) const;
  /// A text as it stands, a number or flag as JSON writes it.
  std::string text_or_number() const;

  std::vector<JsonValue> items() const;
  std::vector<std::pair<std::string, JsonValue>> members() const;
  /// Another key is an error that names the nearest.
  void allow_keys(std::span<const std::string_view> known) const;
  void allow_keys(std::initializer_list<std::string_view> known) const {
    allow_keys(std::span(known.begin(), known.size()));
  }
  std::optional<JsonValue> find(std::string_view key) const;
  JsonValue at(std::string_view key) const;

  /// "'mine.json': rules[2].rule"
  std::string place() const;
  [[noreturn]] void fail_as(std::string_view expected) const;

 private:
  using Json = nlohmann::ordered_json;
  struct Origin {
    std::string source;
    ErrorCode code;
  };
  JsonValue(std::shared_ptr<const Json> value, std::shared_ptr<const Origin> origin, std::string path);
  JsonValue child(const Json& value, std::string path) const;

  std::shared_ptr<const Json> value_;  // shares the whole text's
  std::shared_ptr<const Origin> origin_;
  std::string path_;
};

/// JSON as text. What is no UTF-8, as names in models may be, is replaced.
std::string json_text(const nlohmann::ordered_json& json, int indent = 2);

}  // namespace onnxray
