#include "rules/composite_json.h"

#include <array>
#include <nlohmann/json.hpp>

#include "core/fail.h"
#include "core/json_value.h"

namespace onnxray {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 8> kClasses{"linear",  "sum",    "bilinear",   "activation",
                                                   "routing", "affine", "normaliser", "softmax"};
constexpr std::array<std::string_view, 3> kPositions{"any", "first", "last"};

constexpr double kMostLayers = 1e6;

std::vector<std::string> read_ops(const JsonValue& json) {
  if (json.is_text()) return {json.text()};
  if (!json.is_list()) json.fail_as("an operator or a list of them");
  std::vector<std::string> ops;
  for (const JsonValue& op : json.items()) ops.push_back(op.text());
  return ops;
}

Matcher read_match(const JsonValue& json) {
  json.allow_keys({"class", "ops", "name", "position", "until", "input_layer"});
  Matcher match;
  if (const auto v = json.find("class")) match.relevance = static_cast<RelevanceClass>(v->choice(kClasses));
  if (const auto v = json.find("ops")) match.ops = read_ops(*v);
  if (const auto v = json.find("name")) match.name = v->text();
  if (const auto v = json.find("position"))
    match.position = static_cast<Matcher::Position>(v->choice(kPositions));
  if (const auto v = json.find("until")) match.until = v->whole(0, kMostLayers);
  if (const auto v = json.find("input_layer")) match.input_layer = v->flag();
  return match;
}

RuleSpec read_rule(const JsonValue& json) {
  RuleSpec spec{json.is_text() ? json.text() : json.at("name").text()};
  std::vector<std::pair<std::string, JsonValue>> members;
  if (!json.is_text()) members = json.members();
  for (const auto& [key, value] : members) {
    if (key == "name") continue;
    const std::optional<NumberRange> range = range_of_parameter(spec.rule, key);
    if (!range) {  // make_rule says what there is
      spec.parameters[key] = 0;
      break;
    }
    if (!value.is_list()) {
      spec.parameters[key] = value.number(*range);
      continue;
    }
    std::vector<double>& numbers = spec.arrays[key];  // an empty list, too, is for make_rule to judge
    for (const JsonValue& number : value.items()) numbers.push_back(number.number(*range));
  }
  try {
    make_rule(spec);  // what numbers must be to each other
  } catch (const Error& error) {
    fail(ErrorCode::usage, "{}: {}", json.place(), error.what());
  }
  return spec;
}

Composite read(const JsonValue& json, const std::string& source) {
  json.allow_keys({"name", "rules"});
  const auto name = json.find("name");
  Composite composite{name ? name->text() : source, {}};
  for (const JsonValue& entry : json.at("rules").items()) {
    entry.allow_keys({"match", "rule"});
    const auto match = entry.find("match");
    composite.entries.push_back({match ? read_match(*match) : Matcher{}, read_rule(entry.at("rule"))});
  }
  return composite;
}

Json write_match(const Matcher& match) {
  Json json = Json::object();
  if (match.relevance) json["class"] = kClasses[static_cast<size_t>(*match.relevance)];
  if (!match.ops.empty()) json["ops"] = match.ops;
  if (!match.name.empty()) json["name"] = match.name;
  if (match.position != Matcher::Position::any)
    json["position"] = kPositions[static_cast<size_t>(match.position)];
  if (match.until) json["until"] = *match.until;
  if (match.input_layer) json["input_layer"] = true;
  return json;
}

Json write_rule(const RuleSpec& rule) {
  Json json{{"name", rule.rule}};
  for (const auto& [name, value] : rule.parameters) json[name] = value;
  for (const auto& [name, values] : rule.arrays) json[name] = values;
  return json;
}

}  // namespace

Composite composite_from_json(const std::string& text, const std::string& source) {
  return read(JsonValue::parse(text, source, ErrorCode::usage), source);
}

Composite read_composite(const std::string& path) {
  return read(JsonValue::read(path, ErrorCode::usage), path);
}

std::string to_json(const Composite& composite) {
  Json json{{"name", composite.name}, {"rules", Json::array()}};
  for (const CompositeEntry& entry : composite.entries) {
    json["rules"].push_back({{"match", write_match(entry.match)}, {"rule", write_rule(entry.rule)}});
  }
  return json_text(json);
}

}  // namespace onnxray
