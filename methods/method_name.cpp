#include "methods/method_name.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/fail.h"
#include "core/nearest.h"
#include "methods/analyzer_name.h"
#include "methods/foreign_name.h"
#include "methods/name_cursor.h"

namespace onnxray {

namespace {

using Family = MethodName::Family;

/// ["_x_input"] ["_x_sign" ["_mu" ["_" num]]]; a bare "_mu" means 0.
bool parse_modifiers(NameCursor& cursor, Modifiers& modifiers) {
  modifiers.x_input |= cursor.eat("_x_input");
  if (!cursor.eat("_x_sign")) return true;
  modifiers.x_sign = true;
  if (!cursor.eat("_mu")) return true;
  modifiers.mu = 0;
  if (!cursor.eat("_")) return true;
  modifiers.mu = cursor.number();
  return modifiers.mu.has_value();
}

/// ["_" ("VGG16ILSVRC" | "VGG16MITPL365" | "MNISTCNN")]
void parse_model(NameCursor& cursor, MethodName& method) {
  for (const std::string_view model : {"VGG16ILSVRC", "VGG16MITPL365", "MNISTCNN"}) {
    if (cursor.eat(fmt::format("_{}", model))) method.model = model;
  }
}

/// ["_noise_" unum] ["_samples_" int]
bool parse_noise(NameCursor& cursor, MethodName& method) {
  if (cursor.eat("_noise_") && !(method.noise = cursor.unsigned_number())) return false;
  return !cursor.eat("_samples_") || (method.samples = cursor.integer()).has_value();
}

bool parse_gradient(NameCursor& cursor, MethodName& method) {
  struct Base {
    std::string_view word;
    Family family;
  };
  // Longer words first: a word ends at '_', so "smoothgrad" would also match "smoothgrad_squared".
  constexpr Base kBases[] = {{"input_t_gradient", Family::gradient},
                             {"gradient", Family::gradient},
                             {"guided_backprop", Family::guided_backprop},
                             {"deconvnet", Family::deconvnet},
                             {"integrated_gradients", Family::integrated_gradients},
                             {"smoothgrad_squared", Family::smoothgrad_squared},
                             {"smoothgrad", Family::smoothgrad},
                             {"vargrad", Family::vargrad}};
  const auto base = std::ranges::find_if(kBases, [&](const Base& b) { return cursor.eat(b.word); });
  if (base == std::end(kBases)) return false;
  method.family = base->family;
  method.modifiers.x_input = base->word == "input_t_gradient";
  if (method.family == Family::integrated_gradients && cursor.eat("_steps_") &&
      !(method.steps = cursor.integer()))
    return false;
  const bool noisy = method.family == Family::smoothgrad || method.family == Family::smoothgrad_squared ||
                     method.family == Family::vargrad;
  return (!noisy || parse_noise(cursor, method)) && parse_modifiers(cursor, method.modifiers);
}

bool parse_cam(NameCursor& cursor, MethodName& method) {
  const bool guided = cursor.eat("guided_");
  if (!cursor.eat("grad_cam") && !cursor.eat("gradcam")) return false;
  method.family = guided ? Family::guided_grad_cam : Family::grad_cam;
  method.timeseries = cursor.eat("_timeseries");
  parse_model(cursor, method);
  return true;
}

/// "epsilon_" unum ["_std_x"]
bool parse_epsilon(NameCursor& cursor, MethodName& method) {
  const auto number = cursor.unsigned_number();
  if (!number) return false;
  if (cursor.eat("_std_x"))
    method.rule = RuleSpec{"epsilon_std_x", {{"factor", *number}}};
  else
    method.rule = RuleSpec{"epsilon", {{"epsilon", *number}}};
  return true;
}

/// "alpha_" unum "_beta_" unum, alpha - beta = 1
bool parse_alpha_beta(NameCursor& cursor, MethodName& method) {
  const auto alpha = cursor.unsigned_number();
  if (!alpha || !cursor.eat("_beta_")) return false;
  const auto beta = cursor.unsigned_number();
  // Decimal names such as 2_3 and 1_3 are not exact in binary.
  if (!beta || *alpha < 1 || std::abs(*alpha - *beta - 1) > 1e-9) return false;
  method.rule = RuleSpec{"alpha_beta", {{"alpha", *alpha}, {"beta", *beta}}};
  return true;
}

bool parse_rule(NameCursor& cursor, MethodName& method) {
  if (cursor.eat("epsilon_")) return parse_epsilon(cursor, method);
  if (cursor.eat("alpha_")) return parse_alpha_beta(cursor, method);
  if (cursor.eat("gamma")) {
    const auto gamma = cursor.eat("_") ? cursor.unsigned_number() : std::optional(0.25);
    if (gamma) method.rule = RuleSpec{"gamma", {{"gamma", *gamma}}};
    return gamma.has_value();
  }
  for (const std::string_view composite : {"sequential_composite_a", "sequential_composite_b"}) {
    if (cursor.eat(composite)) {
      method.composite = composite;
      return true;
    }
  }
  for (const std::string_view rule : {"z_plus_fast", "z_plus", "z", "flat", "w_square"}) {
    if (cursor.eat(rule)) {
      method.rule = RuleSpec{std::string(rule)};
      return true;
    }
  }
  return false;
}

bool parse_lrp(NameCursor& cursor, MethodName& method) {
  struct Prefix {
    std::string_view word, input_rule;
  };
  constexpr Prefix kPrefixes[] = {{"lrpsign_", "sign"},   {"lrpz_", "z"},       {"zblrp_", "bounded"},
                                  {"w2lrp_", "w_square"}, {"flatlrp_", "flat"}, {"lrp_", ""}};
  method.family = Family::lrp;
  if (cursor.rest() == "lrp") return cursor.eat("lrp");
  const auto prefix = std::ranges::find_if(kPrefixes, [&](const Prefix& p) { return cursor.eat(p.word); });
  if (prefix == std::end(kPrefixes)) return false;
  method.input_rule = prefix->input_rule;
  if (!parse_rule(cursor, method)) return false;
  if (method.input_rule == "sign" && cursor.eat("_mu_") && !(method.input_mu = cursor.number())) return false;
  if (!parse_modifiers(cursor, method.modifiers)) return false;
  parse_model(cursor, method);
  return true;
}

bool parse_other(NameCursor& cursor, MethodName& method) {
  if (cursor.eat("deep_taylor_bounded"))
    method.family = Family::deep_taylor_bounded;
  else if (cursor.eat("deep_taylor"))
    method.family = Family::deep_taylor;
  else if (cursor.eat("occlusion"))
    method.family = Family::occlusion;
  else if (cursor.eat("random_uniform"))
    method.family = Family::random_uniform;
  else
    return false;
  return true;
}

/// SignXAI's aliases of whole first words.
std::string without_alias(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
      {"integratedgradients", "integrated_gradients"},
      {"integrated_gradient", "integrated_gradients"},
      {"integratedgradient", "integrated_gradients"},
      {"GradCAM", "grad_cam"},
      {"gradients", "gradient"},
      {"guidedbackprop", "guided_backprop"},
      {"guided_backpropagation", "guided_backprop"},
      {"deconvolution", "deconvnet"},
      {"deconv", "deconvnet"}};
  for (const auto& [alias, canonical] : kAliases) {
    if (NameCursor cursor(name); cursor.eat(alias)) return fmt::format("{}{}", canonical, cursor.rest());
  }
  return std::string(name);
}

std::vector<std::string> known_names() {
  return {"gradient",
          "input_t_gradient",
          "gradient_x_input",
          "gradient_x_sign",
          "gradient_x_sign_mu_0_5",
          "guided_backprop",
          "deconvnet",
          "integrated_gradients",
          "smoothgrad",
          "smoothgrad_squared",
          "vargrad",
          "grad_cam",
          "grad_cam_timeseries",
          "guided_grad_cam",
          "lrp",
          "lrp_z",
          "lrp_epsilon_0_1",
          "lrp_epsilon_0_25_std_x",
          "lrp_alpha_1_beta_0",
          "lrp_alpha_2_beta_1",
          "lrp_gamma",
          "lrp_z_plus",
          "lrp_z_plus_fast",
          "lrp_flat",
          "lrp_w_square",
          "lrp_sequential_composite_a",
          "lrp_sequential_composite_b",
          "lrpsign_z",
          "lrpsign_epsilon_0_1",
          "lrpsign_epsilon_0_25_std_x",
          "lrpsign_epsilon_0_1_mu_0_5",
          "lrpsign_alpha_1_beta_0",
          "lrpsign_sequential_composite_a",
          "lrpz_epsilon_0_1",
          "w2lrp_z",
          "w2lrp_epsilon_0_1",
          "flatlrp_z",
          "flatlrp_epsilon_0_1",
          "zblrp_z_VGG16ILSVRC",
          "deep_taylor",
          "deep_taylor_bounded",
          "occlusion",
          "random_uniform"};
}

}  // namespace

MethodName parse_method_name(std::string_view name) {
  if (auto analyzer = parse_analyzer_name(name)) return *analyzer;
  const std::string canonical = without_alias(name);
  for (const auto parse : {parse_gradient, parse_cam, parse_lrp, parse_other}) {
    NameCursor cursor(canonical);
    MethodName method;
    if (parse(cursor, method) && cursor.done()) return method;
  }
  if (auto foreign = parse_foreign_name(name)) return *foreign;
  const std::string advice = advice_on_foreign_name(name);
  require(advice.empty(), ErrorCode::usage,
          "'{}' is not among the methods here: {}; `onnxray methods` lists all", name, advice);
  fail(ErrorCode::usage, "unknown method '{}'; the nearest are {}; `onnxray methods` lists all", name,
       fmt::join(nearest(name, known_names()), ", "));
}

}  // namespace onnxray
