#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/fail.h"
#include "methods/lrp.h"
#include "rules/plain_name.h"

namespace onnxray {

namespace {

/// "0.5", or one number per channel: "-1,-2,-1" (";" inside "METHOD:key=value").
std::vector<double> read_numbers(const MethodSpec& method, std::string_view parameter,
                                 const std::string& text) {
  std::vector<double> numbers;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find_first_of(",;", begin), text.size());
    double number = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, number);
    require(error == std::errc() && stop == text.data() + end, ErrorCode::usage,
            "{}={} of '{}' is neither a number nor a list of them", parameter, text, method.text);
    numbers.push_back(number);
    begin = end + 1;
  }
  return numbers;
}

RuleSpec bounded(std::vector<double> low, std::vector<double> high) {
  return {"bounded", {}, {{"low", std::move(low)}, {"high", std::move(high)}}};
}

/// alpha0 to beta1 of iNNvestigate's AlphaBetaX1000 and its kin. Its own AlphaBetaX takes beta1 for alpha1.
constexpr std::pair<std::string_view, std::array<double, 4>> kAlphaBetaX[] = {
    {"alphabetax1000", {1, 0, 0, 0}},
    {"alphabetax1010", {1, 0, 0, -1}},
    {"alphabetax1001", {1, 1, 0, 0}},
    {"alphabetax2m100", {2, 0, 1, 0}}};

RuleSpec alpha_beta_rule(const MethodSpec& method) {
  RuleSpec rule{"alpha_beta"};
  for (const char* name : {"alpha", "beta"}) {
    if (method.find(name)) rule.parameters[name] = method.number(name, 0);
  }
  return rule;
}

constexpr std::pair<std::string_view, std::string_view> kSimpleRules[] = {
    {"z", "z"},         {"lrpz", "z"},    {"sign", "sign"},    {"wsquare", "w_square"},
    {"w2", "w_square"}, {"flat", "flat"}, {"zplus", "z_plus"}, {"zplusfast", "z_plus_fast"},
    {"norm", "norm"},   {"pass", "pass"}};

/// "z" of "zignorebias" and "zib"; empty where the name is another.
std::string base_without_bias(std::string_view rule) {
  for (const std::string_view base : {"z", "epsilon", "alphabeta", "alpha1beta0", "alpha2beta1"}) {
    for (const std::string_view suffix : {"ignorebias", "ib"}) {
      if (rule.starts_with(base) && rule.substr(base.size()) == suffix) return std::string(base);
    }
  }
  return {};
}

}  // namespace

RuleSpec bounded_rule(const MethodSpec& method) {
  // Caffe's mean of ImageNet: 0 - 123.68 and 255 - 103.939, one pair for all channels as in SIGN-XAI 1.x
  const bool vgg = method.name.model == "VGG16ILSVRC";
  const std::string *low = method.find("low"), *high = method.find("high");
  require(vgg || (low && high), ErrorCode::usage,
          "'{}' bounds the input: give the parameters low and high (a number, one per channel, or a .npy "
          "file), or "
          "declare the input's preprocessing",
          method.text);
  RuleSpec rule = bounded(low ? read_numbers(method, "low", *low) : std::vector{-123.68},
                          high ? read_numbers(method, "high", *high) : std::vector{151.061});
  if (method.find("bounds_of_input")) rule.parameters["of_input"] = 1;
  return rule;
}

RuleSpec named_rule(const MethodSpec& method, const std::string& name) {
  const std::string rule = plain_name(name);
  if (const auto base = base_without_bias(rule); !base.empty()) {
    RuleSpec spec = named_rule(method, base);
    spec.parameters["bias"] = 0;
    return spec;
  }
  const auto simple =
      std::ranges::find(kSimpleRules, rule, &std::pair<std::string_view, std::string_view>::first);
  if (simple != std::end(kSimpleRules)) return {std::string(simple->second)};
  if (rule == "epsilon") return {"epsilon", {{"epsilon", method.number("epsilon", 1e-7)}}};
  if (rule == "epsilonstdx" || rule == "stdxepsilon")
    return {"epsilon_std_x", {{"factor", method.number("epsilon", 0.25)}}};
  if (rule == "signmu") return {"sign_mu", {{"mu", method.number("mu", 0)}}};
  if (rule == "gamma") return {"gamma", {{"gamma", method.number("gamma", 0.25)}}};
  if (rule == "alphabeta") return alpha_beta_rule(method);
  if (rule == "alpha1beta0") return {"alpha_beta", {{"alpha", 1}, {"beta", 0}}};
  if (rule == "alpha2beta1") return {"alpha_beta", {{"alpha", 2}, {"beta", 1}}};
  for (const auto& [known, w] : kAlphaBetaX) {
    if (rule == known)
      return {"alpha_beta_x", {{"alpha0", w[0]}, {"alpha1", w[1]}, {"beta0", w[2]}, {"beta1", w[3]}}};
  }
  if (rule == "bounded" || rule == "zbox") return bounded_rule(method);
  fail(ErrorCode::usage,
       "'{}' is no rule; the rules are z, epsilon, epsilon_std_x, sign, sign_mu, alpha_beta, alpha1beta0, "
       "alpha2beta1, z_plus, "
       "z_plus_fast, gamma, bounded, w_square, flat, norm, pass, alpha_beta_x1000, alpha_beta_x1010, "
       "alpha_beta_x1001, alpha_beta_x2m100, and z, epsilon, alpha_beta, alpha1beta0 and alpha2beta1 with "
       "_ignore_bias",
       name);
}

std::optional<RuleSpec> input_layer_rule(const MethodSpec& method) {
  if (const std::string* given = method.find("input_layer_rule")) {
    const size_t comma = given->find_first_of(",;");
    if (comma == std::string::npos) return named_rule(method, *given);
    // "low,high" means bounded
    const std::vector<double> bounds = read_numbers(method, "input_layer_rule", *given);
    require(bounds.size() == 2, ErrorCode::usage, "input_layer_rule={} of '{}': expected a rule or low,high",
            *given, method.text);
    return bounded({bounds[0]}, {bounds[1]});
  }
  const MethodName& name = method.name;
  if (name.input_rule.empty()) return std::nullopt;
  if (name.input_rule == "bounded") return bounded_rule(method);
  if (name.input_rule == "sign" && (name.input_mu || method.find("mu"))) {
    return RuleSpec{"sign_mu", {{"mu", name.input_mu ? *name.input_mu : method.number("mu", 0)}}};
  }
  return RuleSpec{name.input_rule};
}

std::optional<RuleSpec> until_layer_rule(const MethodSpec& method) {
  if (const std::string* given = method.find("until_layer_rule")) return named_rule(method, *given);
  if (method.name.until_rule.empty()) return std::nullopt;
  return RuleSpec{method.name.until_rule};
}

int64_t until_layer_index(const MethodSpec& method) {
  const double index = method.number("until_layer_idx", 0);
  require(index >= 0 && index == std::floor(index) && index < 1e9, ErrorCode::usage,
          "until_layer_idx={} of '{}' is not the number of a layer: the first linear layer is 0", index,
          method.text);
  return static_cast<int64_t>(index);
}

CompositeEntry at_linear_layers(RuleSpec rule) {
  return {{.relevance = RelevanceClass::linear}, std::move(rule)};
}

CompositeEntry at_first_layers(RuleSpec rule, int64_t until) {
  return {{.relevance = RelevanceClass::linear, .until = until}, std::move(rule)};
}

CompositeEntry at_input_layer(RuleSpec rule) {
  return {{.relevance = RelevanceClass::linear, .input_layer = true}, std::move(rule)};
}

}  // namespace onnxray
