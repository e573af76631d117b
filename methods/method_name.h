#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/rule_spec.h"

namespace onnxray {

/// What multiplies an attribution afterwards: "_x_input", "_x_sign", "_x_sign_mu_0_5".
struct Modifiers {
  bool x_input = false;
  bool x_sign = false;
  std::optional<double> mu;  ///< the threshold of the sign; unset: sgn with sgn(0) = +1
};

/// A method name taken apart (docs/methods.md has the grammar). Numbers that the name leaves out stay unset.
struct MethodName {
  enum class Family : uint8_t {
    gradient,
    guided_backprop,
    deconvnet,
    integrated_gradients,
    smoothgrad,
    smoothgrad_squared,
    vargrad,
    grad_cam,
    guided_grad_cam,
    lrp,
    deep_taylor,
    deep_taylor_bounded,
    occlusion,
    random_uniform,
  } family = Family::gradient;
  Modifiers modifiers;

  std::optional<int64_t> steps, samples;  ///< integrated gradients; SmoothGrad and kin
  std::optional<double> noise;
  bool timeseries = false;  ///< grad_cam_timeseries
  std::string model;        ///< VGG16ILSVRC, ...: names a layer and input bounds

  std::string
      input_rule;  ///< LRP: rule of the input layer ("sign", "z", "bounded", "w_square", "flat"), or empty
  std::optional<double> input_mu;  ///< makes "sign" the thresholded one
  std::optional<RuleSpec> rule;    ///< LRP: the rule of linear layers; unset for a composite or bare "lrp"
  std::string composite;           ///< LRP: "sequential_composite_a", ...
  std::string until_rule;          ///< LRP: the rule of the first linear layers; empty but for until-index
};

/// Throws Error(usage) that names the nearest valid names; there is no silent default.
MethodName parse_method_name(std::string_view name);

}  // namespace onnxray
