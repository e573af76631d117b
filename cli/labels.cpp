#include "cli/labels.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/bytes.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

using Json = nlohmann::json;

constexpr int64_t kMostLabels = 10'000'000;

std::string name_in(const Json& json, const std::string& file) {
  if (json.is_string()) return json;
  if (json.is_array() && !json.empty() && json.back().is_string()) return json.back();
  fail(ErrorCode::bad_file, "'{}' should hold names of classes, not {}", file, json.dump().substr(0, 60));
}

std::optional<int64_t> number_in(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::vector<std::string> from_object(const Json& object, const std::string& file) {
  std::vector<std::string> labels;
  const auto set = [&](int64_t index, std::string name) {
    require(index >= 0 && index < kMostLabels, ErrorCode::bad_file, "'{}' names a class {}", file, index);
    const auto i = static_cast<size_t>(index);
    while (labels.size() <= i) labels.push_back(std::to_string(labels.size()));
    labels[i] = std::move(name);
  };
  for (const auto& [key, value] : object.items()) {
    if (value.is_number_integer()) {
      set(value, key);
      continue;
    }
    const std::optional<int64_t> index = number_in(key);
    require(index.has_value(), ErrorCode::bad_file,
            "'{}' should hold {{\"0\": \"name\"}} or {{\"name\": 0}}; it has the key \"{}\"", file, key);
    set(*index, name_in(value, file));
  }
  return labels;
}

std::vector<std::string> from_json(const Json& json, const std::string& file) {
  if (json.is_object()) {
    for (const char* key : {"id2label", "labels"}) {
      if (const auto inner = json.find(key); inner != json.end()) return from_json(*inner, file);
    }
    return from_object(json, file);
  }
  require(json.is_array(), ErrorCode::bad_file, "'{}' holds neither a list nor an object of names", file);
  std::vector<std::string> labels;
  for (const Json& item : json) labels.push_back(name_in(item, file));
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
  const bool may_be_json = text[first] == '[' || text[first] == '{';
  const Json json = may_be_json ? Json::parse(text, nullptr, /*allow_exceptions=*/false) : Json();
  require(!json.is_discarded() || !file.ends_with(".json"), ErrorCode::bad_file, "'{}' is not valid JSON",
          file);
  return may_be_json && !json.is_discarded() ? from_json(json, file) : from_lines(text);
}

std::vector<std::string> choose_labels(const Options& options, const std::optional<Preprocess>& preprocess) {
  if (options.labels.empty()) return preprocess ? preprocess->labels : std::vector<std::string>{};
  const Bytes bytes = read_bytes(options.labels);
  return parse_labels({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, options.labels);
}

}  // namespace onnxray::cli
