#include "methods/method_spec.h"

#include <algorithm>
#include <charconv>

#include "core/fail.h"
#include "methods/parameter_ranges.h"
#include "rules/builtin_composites.h"

namespace onnxray {

namespace {

using Family = MethodName::Family;
using Names = std::vector<std::string_view>;

/// The seed page's names for the same thing; the first is ours.
const std::vector<Names>& synonyms() {
  static const std::vector<Names> all{{"samples", "augment_by_n", "num_samples"},
                                      {"noise_scale", "noise_level"},
                                      {"baseline", "reference_inputs"},
                                      {"layer", "last_conv_layer_name", "target_layer"},
                                      {"rule", "rule_type"},
                                      {"until_layer_rule", "until_index_rule"},
                                      {"composite", "default_rule_configuration"}};
  return all;
}

std::string canonical_parameter(const std::string& name) {
  for (const Names& group : synonyms()) {
    if (std::ranges::find(group, name) != group.end()) return std::string(group.front());
  }
  return name;
}

/// What a family reads besides the modifiers' `mu`; switches of Conventions among them.
Names parameters_of(Family family) {
  const Names lrp{"mu",
                  "tokens",
                  "epsilon",
                  "rule",
                  "composite",
                  "alpha",
                  "beta",
                  "gamma",
                  "input_layer_rule",
                  "until_layer_idx",
                  "until_layer_rule",
                  "low",
                  "high",
                  "seed_value",
                  "stabiliser",
                  "alphabeta_bias",
                  "zplus_bias",
                  "wsquare_bias",
                  "batchnorm",
                  "add",
                  "avgpool",
                  "sign_of_zero",
                  "std_x",
                  "gate",
                  "exact_splits"};
  switch (family) {
    case Family::gradient:
    case Family::guided_backprop:
    case Family::deconvnet: return {"mu", "tokens", "seed_value", "sign_of_zero"};
    case Family::integrated_gradients:
      return {"mu",    "tokens",   "sign_of_zero",  "seed_value",
              "steps", "baseline", "ig_quadrature", "micro_batch"};
    case Family::smoothgrad:
    case Family::smoothgrad_squared:
    case Family::vargrad:
      return {"mu",          "tokens",       "sign_of_zero", "seed_value", "samples",    "noise",
              "noise_scale", "clean_sample", "seed",         "noise_file", "micro_batch"};
    case Family::grad_cam:
    case Family::guided_grad_cam: return {"layer", "resize", "activation", "seed_value"};
    case Family::lrp: return lrp;
    case Family::deep_taylor:
      return {"deep_taylor", "tokens",    "epsilon", "seed_value", "stabiliser",
              "zplus_bias",  "batchnorm", "add",     "avgpool",    "exact_splits"};
    case Family::deep_taylor_bounded:
      return {"deep_taylor", "tokens",     "epsilon",   "low", "high",    "seed_value",
              "stabiliser",  "zplus_bias", "batchnorm", "add", "avgpool", "exact_splits"};
    case Family::occlusion: return {"window", "stride", "baseline", "micro_batch"};
    case Family::random_uniform: return {"seed"};
  }
  return {};
}

bool takes(const MethodSpec& method, std::string_view parameter) {
  const Names known = parameters_of(method.name.family);
  return std::ranges::find(known, parameter) != known.end();
}

void apply(MethodSpec& method, const std::string& key, const std::string& value) {
  const std::string name = canonical_parameter(key);
  require(takes(method, name), ErrorCode::usage, "method '{}' has no parameter '{}'; it has {}", method.text,
          key, fmt::join(parameters_of(method.name.family), ", "));
  const auto [it, is_new] = method.parameters.try_emplace(name, value);
  require(is_new || it->second == value, ErrorCode::usage, "'{}' is given twice, as '{}' and '{}'", name,
          it->second, value);
  check_parameter(name, value, method.text);
  set_switch(method.conventions, name, value);
}

/// The number that a name carries holds unless a parameter says otherwise.
void fill_from_name(MethodSpec& method) {
  const auto fill = [&](std::string_view name, const auto& number) {
    if (number) set_switch(method.conventions, name, fmt::format("{}", *number));
  };
  fill("steps", method.name.steps);
  fill("samples", method.name.samples);
  fill("noise_scale", method.name.noise);
  if (method.name.modifiers.mu)
    check_parameter("mu", fmt::format("{}", *method.name.modifiers.mu), method.text);
}

/// "NAME:key=value,key=value"
MethodSpec parse_text(const std::string& text, const Conventions& conventions) {
  const size_t colon = text.find(':');
  MethodSpec method{.text = text,
                    .name = parse_method_name(text.substr(0, colon)),
                    .conventions = conventions,
                    .parameters = {}};
  fill_from_name(method);
  std::string_view rest =
      colon == std::string::npos ? std::string_view() : std::string_view(text).substr(colon + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(','));
    const size_t equals = pair.find('=');
    require(equals != std::string_view::npos, ErrorCode::usage,
            "'{}': expected key=value after ':', got '{}'", text, pair);
    apply(method, std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1)));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  return method;
}

/// A rule or composite for all methods is for the bare "lrp" among them, not for names that hold their own.
bool leaves_to_others(const MethodSpec& method, std::string_view parameter,
                      const std::vector<MethodSpec>& methods) {
  if (parameter != "composite" && parameter != "rule") return false;
  const auto is_bare = [](const MethodSpec& m) {
    return m.name.family == Family::lrp && !m.name.rule && m.name.composite.empty();
  };
  return !is_bare(method) && std::ranges::any_of(methods, is_bare);
}

/// A composite by the name of Zennit's class runs as it does in Zennit. Switches that are given hold.
void take_convention_of_composite(MethodSpec& method) {
  const std::string* composite = method.find("composite");
  if (!composite || !is_zennit_spelling(*composite)) return;
  method.conventions = convention("zennit");
  for (const auto& [name, value] : method.parameters) set_switch(method.conventions, name, value);
  method.is_convention_of_composite = true;
}

void check_synonyms(const std::map<std::string, std::string>& parameters) {
  std::map<std::string, std::pair<std::string, std::string>> seen;
  for (const auto& [key, value] : parameters) {
    const auto [it, is_new] = seen.try_emplace(canonical_parameter(key), key, value);
    require(is_new || it->second.second == value, ErrorCode::usage,
            "'{}={}' and '{}={}' mean the same parameter", it->second.first, it->second.second, key, value);
  }
}

}  // namespace

const std::string* MethodSpec::find(std::string_view parameter) const {
  const auto it = parameters.find(parameter);
  return it == parameters.end() ? nullptr : &it->second;
}

double MethodSpec::number(std::string_view parameter, double fallback) const {
  const std::string* value = find(parameter);
  if (!value) return fallback;
  double result = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), result);
  require(error == std::errc() && end == value->data() + value->size(), ErrorCode::usage,
          "{}={} of '{}' is not a number", parameter, *value, text);
  return result;
}

std::string MethodSpec::string(std::string_view parameter, std::string_view fallback) const {
  const std::string* value = find(parameter);
  return value ? *value : std::string(fallback);
}

std::vector<MethodSpec> resolve_methods(const std::vector<std::string>& texts,
                                        const std::map<std::string, std::string>& parameters,
                                        const std::string& convention_name) {
  check_synonyms(parameters);
  const Conventions conventions = convention(convention_name);
  std::vector<MethodSpec> methods;
  for (const std::string& text : texts) {
    methods.push_back(parse_text(text, conventions));
  }
  for (const auto& [key, value] : parameters) {
    bool used = false;
    for (MethodSpec& method : methods) {
      if (leaves_to_others(method, canonical_parameter(key), methods)) continue;
      // What a method's own text says holds for it alone.
      if (!takes(method, canonical_parameter(key)) || method.find(canonical_parameter(key))) {
        used |= takes(method, canonical_parameter(key));
        continue;
      }
      apply(method, key, value);
      used = true;
    }
    require(used, ErrorCode::usage, "none of the methods has a parameter '{}'", key);
  }
  for (MethodSpec& method : methods) {
    if (convention_name.empty()) take_convention_of_composite(method);
    if (method.find("mu") && method.name.modifiers.x_sign) method.name.modifiers.mu = method.number("mu", 0);
  }
  return methods;
}

void set_default_bounds(MethodSpec& method, const InputRange& range) {
  if (!takes(method, "low") || method.find("low") || method.find("high") || !method.name.model.empty())
    return;
  const auto text = [](const std::vector<double>& numbers) {
    const bool same = std::ranges::all_of(numbers, [&](double v) { return v == numbers[0]; });
    return same ? fmt::format("{}", numbers.at(0)) : fmt::format("{}", fmt::join(numbers, ";"));
  };
  method.parameters["low"] = text(range.low);
  method.parameters["high"] = text(range.high);
  method.parameters.insert_or_assign("bounds_of_input", "1");
}

std::vector<std::string_view> method_parameters(const MethodSpec& method) {
  return parameters_of(method.name.family);
}

}  // namespace onnxray
