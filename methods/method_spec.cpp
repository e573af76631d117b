#include "methods/method_spec.h"

#include <algorithm>
#include <charconv>

#include "core/fail.h"

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
                                      {"rule", "rule_type"}};
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
                  "epsilon",
                  "rule",
                  "composite",
                  "alpha",
                  "beta",
                  "gamma",
                  "input_layer_rule",
                  "until_layer_idx",
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
    case Family::deconvnet: return {"mu", "seed_value", "sign_of_zero"};
    case Family::integrated_gradients:
      return {"mu", "sign_of_zero", "seed_value", "steps", "baseline", "ig_quadrature", "micro_batch"};
    case Family::smoothgrad:
    case Family::smoothgrad_squared:
    case Family::vargrad:
      return {"mu",          "sign_of_zero", "seed_value", "samples",    "noise",
              "noise_scale", "clean_sample", "seed",       "noise_file", "micro_batch"};
    case Family::grad_cam:
    case Family::guided_grad_cam: return {"layer", "resize", "activation", "seed_value"};
    case Family::lrp: return lrp;
    case Family::deep_taylor:
    case Family::deep_taylor_bounded:
      return {"deep_taylor", "epsilon",   "low", "high",    "seed_value",  "stabiliser",
              "zplus_bias",  "batchnorm", "add", "avgpool", "exact_splits"};
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
  set_switch(method.conventions, name, value);
}

/// The number that a name carries holds unless a parameter says otherwise.
void fill_from_name(MethodSpec& method) {
  if (method.name.steps) method.conventions.steps = *method.name.steps;
  if (method.name.samples) method.conventions.samples = *method.name.samples;
  if (method.name.noise) method.conventions.noise_scale = *method.name.noise;
}

/// "NAME:key=value,key=value"
MethodSpec parse_text(const std::string& text, const Conventions& conventions) {
  const size_t colon = text.find(':');
  MethodSpec method{text, parse_method_name(text.substr(0, colon)), conventions, {}};
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
  method.parameters["bounds_of_input"] = "1";
}

std::vector<MethodInfo> method_list() {
  return {
      {"gradient", "df/dx", "", "Simonyan et al. 2014"},
      {"input_t_gradient | gradient_x_input", "x * df/dx", "", "Shrikumar et al. 2016"},
      {"gradient_x_sign", "df/dx * sgn(x), sgn(0) = +1", "", "Gumpfer et al. 2023"},
      {"gradient_x_sign_mu[_NUM]", "df/dx * (x >= mu ? +1 : -1)", "mu (0)", "Gumpfer et al. 2023"},
      {"guided_backprop[MODIFIER]", "gradient with max(g, 0) before each rectifier's own gradient", "mu",
       "Springenberg et al. 2015"},
      {"deconvnet[MODIFIER]", "gradient with max(g, 0) in place of each rectifier's gradient", "mu",
       "Zeiler and Fergus 2014"},
      {"integrated_gradients[_steps_NUM][MODIFIER]", "(x - x0) * integral of df/dx along x0 + alpha (x - x0)",
       "steps (50), ig_quadrature (mean_endpoints), baseline (0), micro_batch (0)",
       "Sundararajan et al. 2017"},
      {"smoothgrad[_noise_NUM][_samples_NUM][MODIFIER]", "mean of df/dx at x + noise",
       "samples (50), noise_scale (0.2), noise (absolute), clean_sample, seed (0), micro_batch (0)",
       "Smilkov et al. 2017"},
      {"smoothgrad_squared[...]", "mean of (df/dx)^2 at x + noise", "as smoothgrad", "Hooker et al. 2019"},
      {"vargrad[...]", "population variance of df/dx at x + noise", "as smoothgrad", "Adebayo et al. 2018"},
      {"grad_cam[_timeseries][_MODEL]", "relu(sum_c w_c A_c) / max, w_c = mean of df/dA_c over space",
       "layer (last Conv), activation (after), resize (true)", "Selvaraju et al. 2017"},
      {"guided_grad_cam[_timeseries][_MODEL]", "grad_cam * guided_backprop with seed 1", "as grad_cam",
       "Selvaraju et al. 2017"},
      {"occlusion", "mean over windows of (f(x) - f(x without the window)) / size",
       "window (1/8 of an axis), stride (window / 2), baseline (0), micro_batch (0)",
       "Zeiler and Fergus 2014"},
      {"random_uniform", "U(-1, 1), the same for every sample: a baseline for comparisons", "seed (0)", ""},
      {"lrp", "the rule or composite that the parameters name",
       "rule, composite, input_layer_rule, until_layer_idx, epsilon, alpha, beta, gamma, low, high",
       "Bach et al. 2015"},
      {"lrp_z", "R_in = x * T(w, R / safe(z))", "", "Bach et al. 2015"},
      {"lrp_epsilon_NUM", "R_in = x * T(w, R / (z + epsilon sgn(z)))", "epsilon", "Bach et al. 2015"},
      {"lrp_epsilon_NUM_std_x", "as lrp_epsilon, epsilon = NUM * std(x) of each layer",
       "epsilon (the factor), std_x", "Gumpfer et al. 2023"},
      {"lrp_alpha_NUM_beta_NUM",
       "alpha * share of the positive contributions - beta * share of the negative ones",
       "alpha, beta, alphabeta_bias, exact_splits", "Bach et al. 2015"},
      {"lrp_gamma[_NUM]", "contributions of z's own sign count 1 + gamma times", "gamma (0.25)",
       "Montavon et al. 2019"},
      {"lrp_z_plus | lrp_z_plus_fast",
       "x+ T(w+, s) + x- T(w-, s), s = R / safe(x+ w+ + x- w-) | x T(w+, R / safe(x w+))", "zplus_bias",
       "Montavon et al. 2017"},
      {"lrp_w_square", "T(w^2, R / safe(1 w^2))", "wsquare_bias", "Montavon et al. 2017"},
      {"lrp_flat", "T(1, R / safe(1 1))", "", "Lapuschkin et al. 2019"},
      {"lrp_sequential_composite_a", "dense layers epsilon 0.1, convolutions alpha 1, beta 0",
       "epsilon, alphabeta_bias", "Kohlbrenner et al. 2020"},
      {"lrp_sequential_composite_b", "dense layers epsilon 0.1, convolutions alpha 2, beta 1",
       "epsilon, alphabeta_bias", "Kohlbrenner et al. 2020"},
      {"lrpz_RULE | w2lrp_RULE | flatlrp_RULE", "RULE, and z, w^2 or flat at the input layer", "",
       "Gumpfer et al. 2023"},
      {"zblrp_RULE[_VGG16ILSVRC]", "RULE, and at the input layer x T(w, s) - low T(w+, s) - high T(w-, s)",
       "low, high", "Montavon et al. 2017"},
      {"deep_taylor", "epsilon at every linear layer (deep_taylor=epsilon), or z+ (deep_taylor=zplus)",
       "deep_taylor, epsilon (1e-6)", "Montavon et al. 2017"},
      {"deep_taylor_bounded", "deep_taylor with bounds at the input layer", "deep_taylor, low, high",
       "Montavon et al. 2017"},
      {"lrpsign_RULE[_mu_NUM]", "RULE, and at the input layer R_in = sgn(x) * T(w, R / safe(z))", "mu",
       "Gumpfer et al. 2023"},
  };
}

}  // namespace onnxray
