#include "cli/labels.h"

#include <charconv>

#include "core/fail.h"
#include "core/json_value.h"
#include "core/read_file.h"

namespace onnxray::cli {

namespace {

constexpr double kMostLabels = 1'000'000;  // each takes memory, named or not

/// "tench", or the last of ["n01440764", "tench"].
std::string name_in(const JsonValue& json) {
  if (json.is_text()) return json.text();
  const std::vector<JsonValue> all = json.is_list() ? json.items() : std::vector<JsonValue>();
  if (all.empty() || !all.back().is_text()) json.fail_as("the name of a class");
  return all.back().text();
}

std::optional<int64_t> number_in(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::vector<std::string> from_object(const JsonValue& object) {
  std::vector<std::string> labels;
  const auto set = [&](size_t index, std::string name) {
    while (labels.size() <= index) labels.push_back(std::to_string(labels.size()));
    labels[index] = std::move(name);
  };
  for (const auto& [key, value] : object.members()) {
    if (value.is_number()) {
      set(static_cast<size_t>(value.whole(0, kMostLabels - 1)), key);
      continue;
    }
    const std::optional<int64_t> index = number_in(key);
    if (!index || *index < 0 || static_cast<double>(*index) >= kMostLabels)
      value.fail_as("under the number of a class: {\"0\": \"name\"} or {\"name\": 0}");
    set(static_cast<size_t>(*index), name_in(value));
  }
  return labels;
}

std::vector<std::string> from_json(const JsonValue& json) {
  if (json.is_object()) {
    for (const char* key : {"id2label", "labels"}) {
      if (const auto inner = json.find(key)) return from_json(*inner);
    }
    return from_object(json);
  }
  if (!json.is_list()) json.fail_as("a list or an object of names");
  std::vector<std::string> labels;
  for (const JsonValue& item : json.items()) labels.push_back(name_in(item));
  return labels;
}

/// One name a line; line ends of Windows, a byte-order mark and blank lines at the end do not count.
std::vector<std::string> from_lines(std::string_view text) {
  std::vector<std::string> labels;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    labels.emplace_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  return labels;
}

}  // namespace

std::vector<std::string> parse_labels(std::string_view text, const std::string& file) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const size_t first = text.find_first_not_of(" \t\r\n");
  require(first != std::string_view::npos, ErrorCode::bad_file, "'{}' is empty", file);
  if (text[first] != '[' && text[first] != '{') return from_lines(text);
  std::optional<JsonValue> json;
  try {
    json = JsonValue::parse(text, file, ErrorCode::bad_file);
  } catch (const Error&) {
    if (file.ends_with(".json")) throw;
  }
  return json ? from_json(*json) : from_lines(text);
}

std::vector<std::string> choose_labels(const Options& options, const std::optional<Preprocess>& preprocess) {
  if (options.labels.empty()) return preprocess ? preprocess->labels : std::vector<std::string>{};
  const std::vector<uint8_t> bytes = read_file(options.labels);
  return parse_labels({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, options.labels);
}

}  // namespace onnxray::cli
