#include "methods/foreign_name.h"

#include <algorithm>
#include <cctype>

#include "methods/analyzer_name.h"
#include "rules/builtin_composites.h"
#include "rules/plain_name.h"

namespace onnxray {

namespace {

using Family = MethodName::Family;

struct Alias {
  std::string_view plain;  ///< rules/plain_name.h
  Family family;
  bool x_input = false;
};

constexpr Alias kAliases[] = {
    {"gradient", Family::gradient},
    {"vanillagradient", Family::gradient},
    {"vanillagradients", Family::gradient},
    {"inputxgradient", Family::gradient, true},
    {"gradientxinput", Family::gradient, true},
    {"inputtgradient", Family::gradient, true},
    {"integratedgradients", Family::integrated_gradients},
    {"smoothgrad", Family::smoothgrad},
    {"smoothgradsq", Family::smoothgrad_squared},
    {"smoothgradsquared", Family::smoothgrad_squared},
    {"vargrad", Family::vargrad},
    {"guidedbackprop", Family::guided_backprop},
    {"guidedbackpropagation", Family::guided_backprop},
    {"deconvolution", Family::deconvnet},
    {"deconvnet", Family::deconvnet},
    {"gradcam", Family::grad_cam},
    {"layergradcam", Family::grad_cam},
    {"guidedgradcam", Family::guided_grad_cam},
    {"occlusion", Family::occlusion},
    {"occlusionsensitivity", Family::occlusion},
    {"deeptaylor", Family::deep_taylor},
    {"deeptaylorbounded", Family::deep_taylor_bounded},
};

struct Advice {
  std::string_view plain, text;
};

constexpr std::string_view kPerturbs =
    "it runs the model on changed inputs; 'occlusion' does so here, one window at a time";
constexpr std::string_view kCams = "of class activation maps there is 'grad_cam'";
constexpr std::string_view kDeepLift =
    "nearest are 'lrp_z', which it equals for ReLU nets without biases at a baseline of zeros, and "
    "'integrated_gradients', which has a baseline too";

constexpr Advice kAdvice[] = {
    {"saliency", "it is the absolute value of 'gradient'"},
    {"deeplift", kDeepLift},
    {"deepliftshap", kDeepLift},
    {"deepliftwrapper", kDeepLift},
    {"gradientshap", "nearest is 'integrated_gradients' with several baselines (baseline=FILE.npy)"},
    {"expectedgradients", "nearest is 'integrated_gradients' with several baselines (baseline=FILE.npy)"},
    {"noisetunnel", "its kinds are methods here: 'smoothgrad', 'smoothgrad_squared', 'vargrad'"},
    {"kernelshap", kPerturbs},
    {"lime", kPerturbs},
    {"rise", kPerturbs},
    {"featureablation", kPerturbs},
    {"featurepermutation", kPerturbs},
    {"shapleyvaluesampling", kPerturbs},
    {"shapleyvalues", kPerturbs},
    {"gradcam++", kCams},
    {"gradcamplusplus", kCams},
    {"scorecam", kCams},
    {"ablationcam", kCams},
    {"layercam", kCams},
    {"eigencam", kCams},
    {"xgradcam", kCams},
    {"patternnet", "its patterns are learned from data; 'deep_taylor' needs none"},
    {"patternattribution", "its patterns are learned from data; 'deep_taylor' needs none"},
    {"attentionrollout", "for transformers there is 'lrp' with composite=attnlrp"},
};

/// "captum.attr.Saliency" -> "saliency"
std::string plain_class(std::string_view name) {
  for (const std::string_view library : {"captum.", "zennit.", "innvestigate.", "tf_explain.", "shap."}) {
    if (name.starts_with(library)) return plain_name(name.substr(name.rfind('.') + 1));
  }
  return plain_name(name);
}

/// A class of Python's or a path to one: names with '_' are those of the grammar here, and have no second
/// chance.
bool is_class_name(std::string_view name) {
  const bool is_marked =
      std::ranges::any_of(name, [](unsigned char c) { return std::isupper(c) || c == '.'; });
  return is_marked && name.find('_') == std::string_view::npos;
}

}  // namespace

std::optional<MethodName> parse_foreign_name(std::string_view name) {
  if (!is_class_name(name)) return std::nullopt;
  const std::string plain = plain_class(name);
  if (auto analyzer = parse_plain_analyzer_name(plain)) return analyzer;
  const auto alias = std::ranges::find(kAliases, plain, &Alias::plain);
  MethodName method;
  if (alias != std::end(kAliases)) {
    method.family = alias->family;
    method.modifiers.x_input = alias->x_input;
    return method;
  }
  for (const std::string_view composite : builtin_composite_names()) {
    if (plain_name(composite) != plain) continue;
    method.family = Family::lrp;
    method.composite = composite;
    return method;
  }
  return std::nullopt;
}

std::string advice_on_foreign_name(std::string_view name) {
  const auto found = std::ranges::find(kAdvice, plain_class(name), &Advice::plain);
  return found == std::end(kAdvice) ? "" : std::string(found->text);
}

}  // namespace onnxray
