#include "methods/name_cursor.h"

#include <charconv>

namespace onnxray {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <class Number>
std::optional<Number> parsed(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool NameCursor::eat(std::string_view word) {
  if (!rest_.starts_with(word)) return false;
  const std::string_view after = rest_.substr(word.size());
  if (!after.empty() && after.front() != '_' && word.back() != '_') return false;
  rest_ = after;
  return true;
}

std::string NameCursor::digits() {
  size_t n = 0;
  while (n < rest_.size() && is_digit(rest_[n])) ++n;
  std::string text(rest_.substr(0, n));
  rest_.remove_prefix(n);
  return text;
}

std::optional<double> NameCursor::unsigned_number() {
  std::string text = digits();
  if (text.empty()) return std::nullopt;
  if (rest_.size() > 1 && rest_[0] == '_' && is_digit(rest_[1])) {
    rest_.remove_prefix(1);
    text += "." + digits();
  }
  return parsed<double>(text);
}

std::optional<double> NameCursor::number() {
  const bool negative = eat("neg_");
  const auto value = unsigned_number();
  return value && negative ? -*value : value;
}

std::optional<int64_t> NameCursor::integer() {
  const auto value = parsed<int64_t>(digits());
  return value && *value > 0 ? value : std::nullopt;
}

}  // namespace onnxray
