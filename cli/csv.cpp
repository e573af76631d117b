#include "cli/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "cli/bytes.h"
#include "core/fail.h"
#include "core/read_file.h"

namespace onnxray::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

constexpr size_t kMostColumns = 1 << 22;  // each takes four times its least text in memory

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
  for (size_t start = 0; start <= line.size() && fields.size() <= kMostColumns;) {
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

/// Where commas do not part fields, they are decimal.
std::optional<double> number_in(std::string_view field, char separator) {
  if (separator == ',' || field.find(',') == std::string_view::npos) return parse_number(field);
  std::string text(field);
  std::ranges::replace(text, ',', '.');
  return parse_number(text);
}

bool is_header(const std::vector<std::string_view>& fields, char separator) {
  return std::ranges::none_of(
      fields, [&](std::string_view field) { return number_in(field, separator).has_value(); });
}

/// "5", "-1", "2:", ":": the columns of a part of --columns that is no name; nothing where it is none of
/// these.
std::optional<std::vector<size_t>> numbered_columns(std::string_view part, size_t count) {
  const auto whole = [](std::string_view text) -> std::optional<int64_t> {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
  };
  const auto extent = static_cast<int64_t>(count);
  const auto from_start = [&](int64_t n) { return n < 0 ? n + extent : n; };
  const size_t colon = part.find(':');
  int64_t first = 0, stop = extent;
  if (colon == std::string_view::npos) {
    const auto number = whole(part);
    if (!number) return std::nullopt;
    first = from_start(*number);
    stop = first + 1;
  } else {
    const std::string_view left = part.substr(0, colon), right = part.substr(colon + 1);
    const auto begin = left.empty() ? 0 : whole(left), end = right.empty() ? extent : whole(right);
    if (!begin || !end) return std::nullopt;
    first = from_start(*begin);
    stop = std::min(from_start(*end), extent);
  }
  if (first < 0 || stop > extent || first >= stop) return std::nullopt;
  std::vector<size_t> columns;
  for (int64_t k = first; k < stop; ++k) columns.push_back(static_cast<size_t>(k));
  return columns;
}

class CsvParser {
 public:
  CsvParser(const std::string& name, const std::string& columns) : name_(name), wanted_(columns) {}

  void add_line(std::string_view line) {
    ++line_number_;
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) return;
    const bool first = separator_ == '\0';
    if (first) separator_ = separator_of(line);
    const auto fields = split(line, separator_);
    if (first) {
      fields_ = fields.size();
      require(fields_ <= kMostColumns, ErrorCode::bad_file, "'{}' has more than {} columns", name_,
              kMostColumns);
      const bool has_header = is_header(fields, separator_);
      if (has_header) header_.assign(fields.begin(), fields.end());
      choose_columns();
      if (has_header) return;
    }
    require(fields.size() == fields_, ErrorCode::bad_file, "'{}' line {} has {} fields, {} were expected",
            name_, line_number_, fields.size(), fields_);
    for (const size_t k : columns_) values_.push_back(value_of(fields[k]));
  }

  Tensor table() const {
    require(!values_.empty(), ErrorCode::bad_file, "'{}' holds no row of numbers", name_);
    const auto columns = static_cast<int64_t>(columns_.size());
    return Tensor::of<float>({static_cast<int64_t>(values_.size()) / columns, columns}, values_);
  }

 private:
  void choose_columns() {
    if (wanted_.empty()) {
      for (size_t k = 0; k < fields_; ++k) columns_.push_back(k);
      return;
    }
    for (const std::string_view part : split(wanted_, ',')) {
      const auto named = std::ranges::find(header_, part);
      const auto numbered = named == header_.end() ? numbered_columns(part, fields_) : std::nullopt;
      require(named != header_.end() || numbered, ErrorCode::usage, "'{}' has no column {}; it has {}", name_,
              excerpt(part), columns_text());
      if (numbered)
        columns_.insert(columns_.end(), numbered->begin(), numbered->end());
      else
        columns_.push_back(static_cast<size_t>(named - header_.begin()));
      require(columns_.size() <= kMostColumns, ErrorCode::usage, "--columns chooses more than {}",
              kMostColumns);
    }
  }

  /// "3: time, left, right", or "3, counted from 0"
  std::string columns_text() const {
    constexpr size_t kMostListed = 20;
    if (header_.empty()) return fmt::format("{}, counted from 0", fields_);
    const auto last = header_.begin() + static_cast<std::ptrdiff_t>(std::min(header_.size(), kMostListed));
    return fmt::format("{}: {}{}", fields_, fmt::join(header_.begin(), last, ", "),
                       last == header_.end() ? "" : ", ...");
  }

  float value_of(std::string_view field) const {
    const std::optional<double> value = number_in(field, separator_);
    require(value.has_value(), ErrorCode::bad_file,
            "'{}' line {}: {} is not a number; --columns chooses the columns that hold some", name_,
            line_number_, excerpt(field));
    const bool fits = !std::isfinite(*value) || std::abs(*value) <= std::numeric_limits<float>::max();
    require(fits, ErrorCode::bad_file, "'{}' line {}: {} is too large for float32", name_, line_number_,
            excerpt(field));
    return static_cast<float>(*value);
  }

  const std::string& name_;
  const std::string& wanted_;
  int64_t line_number_ = 0;
  char separator_ = '\0';
  size_t fields_ = 0;
  std::vector<std::string> header_;
  std::vector<size_t> columns_;
  std::vector<float> values_;
};

}  // namespace

Tensor decode_csv(std::string_view text, const std::string& name, const std::string& columns) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  CsvParser parser(name, columns);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    parser.add_line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parser.table();
}

Tensor read_csv(const std::string& path, const std::string& columns) {
  const Bytes bytes = read_file(path);
  return decode_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, columns);
}

}  // namespace onnxray::cli
