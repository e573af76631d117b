#include "rules/builtin_composites.h"

#include <algorithm>

#include "core/fail.h"
#include "rules/plain_name.h"

namespace onnxray {

namespace {

using Entries = std::vector<CompositeEntry>;
using Position = Matcher::Position;

const std::vector<std::string> kConvolutions{"Conv", "ConvTranspose"};
const std::vector<std::string> kDense{"Gemm", "MatMul"};
const std::vector<std::string> kMatrixProducts{"MatMul", "Gemm", "Einsum"};

class Recipe {
 public:
  explicit Recipe(const CompositeOptions& options) : options_(options) {}

  double number(std::string_view name, double fallback) const {
    const auto it = options_.numbers.find(name);
    return it == options_.numbers.end() ? fallback : it->second;
  }
  RuleSpec epsilon(double fallback) const { return {"epsilon", {{"epsilon", number("epsilon", fallback)}}}; }
  RuleSpec gamma() const { return {"gamma", {{"gamma", number("gamma", 0.25)}}}; }
  RuleSpec box() const {
    require(!options_.low.empty() && !options_.high.empty(), ErrorCode::usage,
            "this composite bounds the input: give low and high, one number or one per channel");
    return {"bounded", {}, {{"low", options_.low}, {"high", options_.high}}};
  }
  int64_t until() const { return static_cast<int64_t>(number("until", 0)); }

 private:
  const CompositeOptions& options_;
};

RuleSpec alpha_beta(double alpha) { return {"alpha_beta", {{"alpha", alpha}, {"beta", alpha - 1}}}; }

CompositeEntry linear(std::vector<std::string> ops, RuleSpec rule) {
  return {{.relevance = RelevanceClass::linear, .ops = std::move(ops)}, std::move(rule)};
}

CompositeEntry first(std::vector<std::string> ops, RuleSpec rule) {
  return {{.relevance = RelevanceClass::linear, .ops = std::move(ops), .position = Position::first},
          std::move(rule)};
}

/// What iNNvestigate's presets give a BatchNormalization.
CompositeEntry preset_norm() {
  return {{.ops = {"BatchNormalization"}},
          {"alpha_beta_x", {{"alpha0", 2}, {"alpha1", 0}, {"beta0", 1}, {"beta1", 0}}}};
}

CompositeEntry input_layer(RuleSpec rule) {
  return {{.relevance = RelevanceClass::linear, .input_layer = true}, std::move(rule)};
}

/// Zennit's rules of layers without weights.
Entries zennit_base() {
  return {{{.relevance = RelevanceClass::sum}, {"norm"}}, {{.ops = {"BatchNormalization"}}, {"pass"}}};
}

Entries with_base(Entries entries) {
  for (CompositeEntry& entry : zennit_base()) entries.push_back(std::move(entry));
  return entries;
}

/// What linear layers of transformers get: LRP-0, or the rule whose number was given.
RuleSpec transformer_linear(const Recipe& r) {
  if (r.number("gamma", 0) > 0) return r.gamma();
  return r.number("epsilon", 0) > 0 ? r.epsilon(0) : RuleSpec{"z"};
}

/// One rule at Relu, the derivative everywhere else.
Entries relu_only(RuleSpec rule) { return {{{.ops = {"Relu"}}, std::move(rule)}, {{}, {"vjp"}}}; }

struct Builtin {
  std::string_view name;
  Entries (*make)(const Recipe&);
};

constexpr Builtin kComposites[] = {
    // SIGN-XAI 1.x and iNNvestigate: dense epsilon 0.1, convolutions alpha-beta
    {"sequential_composite_a",
     [](const Recipe& r) {
       return Entries{linear(kDense, r.epsilon(0.1)), linear(kConvolutions, alpha_beta(1))};
     }},
    {"sequential_composite_b",
     [](const Recipe& r) {
       return Entries{linear(kDense, r.epsilon(0.1)), linear(kConvolutions, alpha_beta(2))};
     }},
    {"sequential_composite_a_flat",
     [](const Recipe& r) {
       return Entries{input_layer({"flat"}), linear(kDense, r.epsilon(0.1)),
                      linear(kConvolutions, alpha_beta(1))};
     }},
    {"sequential_composite_b_flat",
     [](const Recipe& r) {
       return Entries{input_layer({"flat"}), linear(kDense, r.epsilon(0.1)),
                      linear(kConvolutions, alpha_beta(2))};
     }},
    {"sequential_preset_a",
     [](const Recipe& r) {
       return Entries{preset_norm(), linear(kDense, r.epsilon(0.1)), linear(kConvolutions, alpha_beta(1))};
     }},
    {"sequential_preset_b",
     [](const Recipe& r) {
       return Entries{preset_norm(), linear(kDense, r.epsilon(0.1)), linear(kConvolutions, alpha_beta(2))};
     }},
    {"sequential_preset_a_flat",
     [](const Recipe& r) {
       return Entries{input_layer({"flat"}), preset_norm(), linear(kDense, r.epsilon(0.1)),
                      linear(kConvolutions, alpha_beta(1))};
     }},
    {"sequential_preset_b_flat",
     [](const Recipe& r) {
       return Entries{input_layer({"flat"}), preset_norm(), linear(kDense, r.epsilon(0.1)),
                      linear(kConvolutions, alpha_beta(2))};
     }},
    {"sequential_preset_b_flat_until_idx",
     [](const Recipe& r) {
       return Entries{{{.relevance = RelevanceClass::linear, .until = r.until()}, {"flat"}},
                      preset_norm(),
                      linear(kDense, r.epsilon(0.1)),
                      linear(kConvolutions, alpha_beta(2))};
     }},
    // Zennit
    {"epsilon_plus",
     [](const Recipe& r) {
       return with_base({linear(kConvolutions, {"z_plus"}), linear({}, r.epsilon(1e-6))});
     }},
    {"epsilon_plus_flat",
     [](const Recipe& r) {
       return with_base(
           {first({}, {"flat"}), linear(kConvolutions, {"z_plus"}), linear({}, r.epsilon(1e-6))});
     }},
    {"epsilon_alpha2_beta1",
     [](const Recipe& r) {
       return with_base({linear(kConvolutions, alpha_beta(2)), linear({}, r.epsilon(1e-6))});
     }},
    {"epsilon_alpha2_beta1_flat",
     [](const Recipe& r) {
       return with_base(
           {first({}, {"flat"}), linear(kConvolutions, alpha_beta(2)), linear({}, r.epsilon(1e-6))});
     }},
    {"epsilon_gamma_box",
     [](const Recipe& r) {
       return with_base(
           {first(kConvolutions, r.box()), linear(kConvolutions, r.gamma()), linear({}, r.epsilon(1e-6))});
     }},
    // LXT: Achtibat et al. 2024; Ali et al. 2022
    {"attnlrp",
     [](const Recipe& r) {
       return Entries{linear({}, transformer_linear(r)),
                      {{.relevance = RelevanceClass::softmax}, {"softmax"}},
                      {{.relevance = RelevanceClass::bilinear, .ops = kMatrixProducts}, {"bilinear"}},
                      {{.relevance = RelevanceClass::normaliser}, {"normaliser"}}};
     }},
    {"cp_lrp",
     [](const Recipe& r) {
       return Entries{linear({}, transformer_linear(r)),
                      {{.relevance = RelevanceClass::bilinear}, {"gate"}},
                      {{.relevance = RelevanceClass::normaliser}, {"normaliser"}}};
     }},
    {"excitation_backprop",
     [](const Recipe&) {
       return Entries{{{.relevance = RelevanceClass::sum}, {"norm"}}, linear({}, {"z_plus"}), {{}, {"vjp"}}};
     }},
    {"guided_backprop", [](const Recipe&) { return relu_only({"relu_guided"}); }},
    {"deconvnet", [](const Recipe&) { return relu_only({"relu_deconvnet"}); }},
    {"beta_smooth",
     [](const Recipe& r) {
       return relu_only({"relu_beta_smooth", {{"beta", r.number("beta", 10)}}});
     }},
};

}  // namespace

Composite builtin_composite(std::string_view name, const CompositeOptions& options) {
  std::string plain = plain_name(name);
  if (plain.starts_with("lrp"))
    plain.erase(0, 3);  // iNNvestigate: "lrp.sequential_preset_a", "LRPSequentialPresetA"
  const auto found = std::ranges::find_if(
      kComposites, [&](const Builtin& composite) { return plain_name(composite.name) == plain; });
  require(found != std::end(kComposites), ErrorCode::usage,
          "unknown composite '{}'; give a .json file or one of {}", name,
          fmt::join(builtin_composite_names(), ", "));
  return {std::string(found->name), found->make(Recipe(options))};
}

bool is_zennit_spelling(std::string_view name) {
  constexpr std::string_view kClasses[] = {
      "EpsilonPlus",     "EpsilonPlusFlat",    "EpsilonAlpha2Beta1", "EpsilonAlpha2Beta1Flat",
      "EpsilonGammaBox", "ExcitationBackprop", "GuidedBackprop",     "Deconvnet",
      "BetaSmooth"};
  return std::ranges::find(kClasses, name) != std::end(kClasses);
}

std::vector<std::string_view> builtin_composite_names() {
  std::vector<std::string_view> names;
  for (const Builtin& composite : kComposites) names.push_back(composite.name);
  return names;
}

}  // namespace onnxray
