#include "rules/composite_json.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/fail.h"

namespace onnxray {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 8> kClasses{"linear",  "sum",    "bilinear",   "activation",
                                                   "routing", "affine", "normaliser", "softmax"};
constexpr std::array<std::string_view, 3> kPositions{"any", "first", "last"};

template <size_t N>
size_t index_of(const std::array<std::string_view, N>& names, const std::string& name,
                std::string_view what) {
  const auto it = std::ranges::find(names, name);
  require(it != names.end(), ErrorCode::usage, "{} '{}' is none of {}", what, name, fmt::join(names, ", "));
  return static_cast<size_t>(it - names.begin());
}

Matcher read_match(const Json& json) {
  Matcher match;
  for (const auto& [key, value] : json.items()) {
    if (key == "class")
      match.relevance = static_cast<RelevanceClass>(index_of(kClasses, value.get<std::string>(), "class"));
    else if (key == "ops")
      match.ops =
          value.is_string() ? std::vector{value.get<std::string>()} : value.get<std::vector<std::string>>();
    else if (key == "name")
      match.name = value.get<std::string>();
    else if (key == "position")
      match.position =
          static_cast<Matcher::Position>(index_of(kPositions, value.get<std::string>(), "position"));
    else if (key == "until")
      match.until = value.get<int64_t>();
    else if (key == "input_layer")
      match.input_layer = value.get<bool>();
    else
      fail(ErrorCode::usage,
           "match has no key '{}'; it has class, ops, name, position, until and input_layer", key);
  }
  return match;
}

RuleSpec read_rule(const Json& json) {
  if (json.is_string()) return read_rule({{"name", json}});
  RuleSpec spec{json.at("name").get<std::string>()};
  for (const auto& [key, value] : json.items()) {
    if (key == "name") continue;
    if (value.is_array())
      spec.arrays[key] = value.get<std::vector<double>>();
    else
      spec.parameters[key] = value.get<double>();
  }
  make_rule(spec);  // names the known rules and parameters where it is none
  return spec;
}

Composite read(const Json& json, const std::string& source) {
  Composite composite{json.value("name", source), {}};
  for (const auto& [key, value] : json.items()) {
    require(key == "name" || key == "rules", ErrorCode::usage,
            "a composite has no key '{}'; it has name and rules", key);
  }
  for (const Json& entry : json.at("rules")) {
    for (const auto& [key, value] : entry.items()) {
      require(key == "match" || key == "rule", ErrorCode::usage,
              "an entry has no key '{}'; it has match and rule", key);
    }
    composite.entries.push_back(
        {entry.contains("match") ? read_match(entry.at("match")) : Matcher{}, read_rule(entry.at("rule"))});
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
  try {
    return read(Json::parse(text), source);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::usage, "composite {}: {}", source, error.what());
  } catch (const Error& error) {
    fail(ErrorCode::usage, "composite {}: {}", source, error.what());
  }
}

Composite read_composite(const std::string& path) {
  std::ifstream file(path);
  require(file.good(), ErrorCode::usage, "cannot read the composite '{}'", path);
  std::ostringstream text;
  text << file.rdbuf();
  return composite_from_json(text.str(), path);
}

std::string to_json(const Composite& composite) {
  Json json{{"name", composite.name}, {"rules", Json::array()}};
  for (const CompositeEntry& entry : composite.entries) {
    json["rules"].push_back({{"match", write_match(entry.match)}, {"rule", write_rule(entry.rule)}});
  }
  return json.dump(2);
}

}  // namespace onnxray
