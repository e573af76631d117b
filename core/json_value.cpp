#include "core/json_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/fail.h"
#include "core/nearest.h"
#include "core/read_file.h"

namespace onnxray {

namespace {

constexpr int kDeepest = 64;
constexpr size_t kMostQuoted = 40;

/// What a value is, short enough for a message.
std::string excerpt(const nlohmann::ordered_json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  std::string text = json_text(value, -1);
  if (text.size() > kMostQuoted) text = text.substr(0, kMostQuoted) + "...";
  return text;
}

/// nlohmann's sentence without its number; what it quotes of the text may be long.
std::string complaint(const nlohmann::ordered_json::exception& error) {
  std::string_view text = error.what();
  text.remove_prefix(std::min(text.size(), text.find("] ") + 2));
  constexpr size_t kLongest = 200;
  return std::string(text.substr(0, kLongest)) + (text.size() > kLongest ? "..." : "");
}

}  // namespace

JsonValue::JsonValue(std::shared_ptr<const Json> value, std::shared_ptr<const Origin> origin,
                     std::string path)
    : value_(std::move(value)), origin_(std::move(origin)), path_(std::move(path)) {}

JsonValue JsonValue::child(const Json& value, std::string path) const {
  return {std::shared_ptr<const Json>(value_, &value), origin_, std::move(path)};
}

JsonValue JsonValue::parse(std::string_view text, const std::string& source, ErrorCode code) {
  using Event = Json::parse_event_t;
  const auto bound_depth = [&](int depth, Event event, Json&) {
    const bool nests = event == Event::object_start || event == Event::array_start;
    require(!nests || depth < kDeepest, code, "'{}' nests deeper than {} lists and objects", source,
            kDeepest);
    return true;
  };
  try {
    auto json = std::make_shared<const Json>(Json::parse(text.begin(), text.end(), bound_depth));
    return {std::move(json), std::make_shared<const Origin>(source, code), ""};
  } catch (const Json::exception& error) {
    fail(code, "'{}' is not valid JSON: {}", source, complaint(error));
  }
}

JsonValue JsonValue::read(const std::string& path, ErrorCode code) {
  const std::vector<uint8_t> bytes = read_file(path);
  return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, code);
}

bool JsonValue::is_null() const { return value_->is_null(); }
bool JsonValue::is_text() const { return value_->is_string(); }
bool JsonValue::is_number() const { return value_->is_number(); }
bool JsonValue::is_list() const { return value_->is_array(); }
bool JsonValue::is_object() const { return value_->is_object(); }

std::string JsonValue::place() const {
  return path_.empty() ? fmt::format("'{}'", origin_->source)
                       : fmt::format("'{}': {}", origin_->source, path_);
}

void JsonValue::fail_as(std::string_view expected) const {
  fail(origin_->code, "{} must be {}, not {}", place(), expected, excerpt(*value_));
}

const std::string& JsonValue::text() const {
  if (!value_->is_string()) fail_as("a text");
  return value_->get_ref<const std::string&>();
}

bool JsonValue::flag() const {
  if (!value_->is_boolean()) fail_as("true or false");
  return value_->get<bool>();
}

double JsonValue::number(const NumberRange& range) const {
  if (!value_->is_number() || !range.holds(value_->get<double>())) fail_as(range.text());
  return value_->get<double>();
}

int64_t JsonValue::whole(double low, double high) const {
  return static_cast<int64_t>(number(whole_numbers(low, high)));
}

size_t JsonValue::choice(std::span<const std::string_view> names) const {
  const auto it = value_->is_string() ? std::ranges::find(names, text()) : names.end();
  if (it == names.end()) fail_as(fmt::format("one of {}", fmt::join(names, ", ")));
  return static_cast<size_t>(it - names.begin());
}

std::string JsonValue::text_or_number() const {
  if (value_->is_array() || value_->is_object() || value_->is_null()) fail_as("a text or a number");
  return value_->is_string() ? text() : json_text(*value_, -1);
}

std::vector<JsonValue> JsonValue::items() const {
  if (!value_->is_array()) fail_as("a list");
  std::vector<JsonValue> all;
  for (size_t i = 0; i < value_->size(); ++i)
    all.push_back(child((*value_)[i], fmt::format("{}[{}]", path_, i)));
  return all;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  if (!value_->is_object()) fail_as("an object");
  std::vector<std::pair<std::string, JsonValue>> all;
  for (const auto& [key, value] : value_->items())
    all.emplace_back(key, child(value, path_.empty() ? key : path_ + "." + key));
  return all;
}

void JsonValue::allow_keys(std::span<const std::string_view> known) const {
  if (!value_->is_object()) fail_as("an object");
  for (const auto& [key, value] : value_->items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    std::string quoted = json_text(Json(key.substr(0, kMostQuoted)), -1);
    quoted.front() = quoted.back() = '\'';
    fail(origin_->code, "{} has no key {}; did you mean {}? The keys are {}", place(), quoted,
         nearest(std::string_view(key).substr(0, kMostQuoted), names, 1).front(), fmt::join(names, ", "));
  }
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  if (!value_->is_object()) fail_as("an object");
  const std::string name(key);
  const auto it = value_->find(name);
  if (it == value_->end()) return std::nullopt;
  return child(*it, path_.empty() ? name : path_ + "." + name);
}

JsonValue JsonValue::at(std::string_view key) const {
  if (std::optional<JsonValue> found = find(key)) return *std::move(found);
  fail(origin_->code, "{} lacks the key '{}'", place(), key);
}

std::string json_text(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace onnxray
