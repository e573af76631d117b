#pragma once

#include "methods/method.h"

namespace onnxray {

/// "z", "zplus", "alpha1beta0", "WSquare", ...: the seed page's and iNNvestigate's names of rules. The
/// numbers come from the method's parameters epsilon, alpha, beta, gamma, mu, low and high. Throws
/// Error(usage) that lists the names.
RuleSpec named_rule(const MethodSpec& method, const std::string& name);

/// The bounds of the method's input: parameters low and high, or those of the model that the name ends in.
RuleSpec bounded_rule(const MethodSpec& method);

/// The rule of the input layer that name and parameters ask for.
std::optional<RuleSpec> input_layer_rule(const MethodSpec& method);

/// The rule of the first linear layers, and the index of the last of them, counted from 0.
std::optional<RuleSpec> until_layer_rule(const MethodSpec& method);
int64_t until_layer_index(const MethodSpec& method);

/// An entry for every linear layer, one for the first of them, and one for the input layer alone.
CompositeEntry at_linear_layers(RuleSpec rule);
CompositeEntry at_first_layers(RuleSpec rule, int64_t until);
CompositeEntry at_input_layer(RuleSpec rule);

}  // namespace onnxray
