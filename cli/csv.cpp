#include "cli/csv.h"

#include <charconv>
#include <optional>

#include "core/fail.h"

namespace onnxray::cli {

namespace {

constexpr std::string_view kSeparators = ",;\t ";

/// The numbers of a line, or nothing where one of its fields is not a number.
std::optional<std::vector<float>> parse_line(std::string_view line) {
  std::vector<float> values;
  while (true) {
    const size_t start = line.find_first_not_of(kSeparators);
    if (start == std::string_view::npos) return values;
    line.remove_prefix(start);
    const std::string_view field = line.substr(0, line.find_first_of(kSeparators));
    float value = 0;
    const char* first = field.data() + (field.starts_with('+') ? 1 : 0);
    const auto [end, error] = std::from_chars(first, field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
    values.push_back(value);
    line.remove_prefix(field.size());
  }
}

}  // namespace

Tensor parse_csv(std::string_view text, const std::string& what) {
  std::vector<float> values;
  int64_t rows = 0, columns = 0, number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const auto row = parse_line(line);
    if (!row && rows == 0 && values.empty()) continue;  // a header
    require(row.has_value(), ErrorCode::bad_file, "{}:{}: '{}' is not a row of numbers", what, number, line.substr(0, 40));
    if (row->empty()) continue;
    if (rows == 0) columns = std::ssize(*row);
    require(std::ssize(*row) == columns, ErrorCode::bad_file, "{}:{}: {} columns, the rows above have {}", what, number, row->size(), columns);
    values.insert(values.end(), row->begin(), row->end());
    ++rows;
  }
  require(rows > 0, ErrorCode::bad_file, "{} holds no numbers", what);
  return Tensor::of<float>({rows, columns}, values);
}

}  // namespace onnxray::cli
