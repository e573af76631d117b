#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/composite.h"

namespace onnxray {

/// What multiplies an attribution afterwards: "_x_input", "_x_sign", "_x_sign_mu_0_5".
struct Modifiers {
  bool x_input = false;
  bool x_sign = false;
  std::optional<double> mu;  ///< the threshold of the sign; unset: sgn with sgn(0) = +1
};

/// A parsed method name (docs/methods.md has the grammar).
struct MethodName {
  enum class Family { gradient, lrp } family = Family::gradient;
  Modifiers modifiers;
  Composite composite;  ///< of the LRP family
};

/// Throws Error(usage) that names the nearest known methods; there is no silent default.
MethodName parse_method_name(std::string_view name);

/// The method names and patterns that parse_method_name knows, for `onnxray methods`.
struct MethodInfo {
  std::string pattern, formula, parameters, citation;
};
std::vector<MethodInfo> method_list();

}  // namespace onnxray
