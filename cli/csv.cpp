#include "cli/csv.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "cli/bytes.h"
#include "core/fail.h"

namespace onnxray::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

char separator_of(std::string_view line) {
  for (const char c : {'\t', ';', ','}) {
    if (line.find(c) != std::string_view::npos) return c;
  }
  return ' ';
}

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  for (size_t start = 0; start <= line.size();) {
    const size_t end = std::min(line.find(separator, start), line.size());
    std::string_view field = trimmed(line.substr(start, end - start));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
      field = field.substr(1, field.size() - 2);
    if (separator != ' ' || !field.empty()) fields.push_back(field);  // a run of spaces parts two fields once
    start = end + 1;
  }
  return fields;
}

std::optional<double> parse_number(std::string_view field) {
  if (field.starts_with('+') && !field.starts_with("+-")) field.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

bool is_header(const std::vector<std::string_view>& fields) {
  for (const std::string_view field : fields) {
    if (parse_number(field)) return false;
  }
  return true;
}

class CsvParser {
 public:
  explicit CsvParser(const std::string& name) : name_(name) {}

  void add_line(std::string_view line) {
    ++line_number_;
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) return;
    const bool first = separator_ == '\0';
    if (first) separator_ = separator_of(line);
    const auto fields = split(line, separator_);
    if (first && is_header(fields)) {
      columns_ = fields.size();
      return;
    }
    if (first) columns_ = fields.size();
    require(fields.size() == columns_, ErrorCode::bad_file, "'{}' line {} has {} fields, {} were expected",
            name_, line_number_, fields.size(), columns_);
    for (const std::string_view field : fields) values_.push_back(value_of(field));
  }

  Tensor table() const {
    require(!values_.empty(), ErrorCode::bad_file, "'{}' holds no row of numbers", name_);
    const auto columns = static_cast<int64_t>(columns_);
    return Tensor::of<float>({static_cast<int64_t>(values_.size()) / columns, columns}, values_);
  }

 private:
  float value_of(std::string_view field) const {
    const std::optional<double> value = parse_number(field);
    require(value.has_value(), ErrorCode::bad_file, "'{}' line {}: {} is not a number", name_, line_number_,
            excerpt(field));
    const bool fits = !std::isfinite(*value) || std::abs(*value) <= std::numeric_limits<float>::max();
    require(fits, ErrorCode::bad_file, "'{}' line {}: {} is too large for float32", name_, line_number_,
            excerpt(field));
    return static_cast<float>(*value);
  }

  const std::string& name_;
  int64_t line_number_ = 0;
  char separator_ = '\0';
  size_t columns_ = 0;
  std::vector<float> values_;
};

}  // namespace

Tensor decode_csv(std::string_view text, const std::string& name) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  CsvParser parser(name);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    parser.add_line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parser.table();
}

Tensor read_csv(const std::string& path) {
  const Bytes bytes = read_bytes(path);
  return decode_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace onnxray::cli
