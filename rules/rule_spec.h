#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backward/rule.h"
#include "core/number_range.h"
#include "rules/conventions.h"

namespace onnxray {

/// A relevance rule by name with its numbers: {"epsilon", {{"epsilon", 0.1}}}.
struct RuleSpec {
  std::string rule;
  std::map<std::string, double, std::less<>> parameters = {};
  /// Numbers per channel: {"bounded", {}, {{"low", {-1, -2, -1}}, {"high", {1, 2, 1}}}}.
  std::map<std::string, std::vector<double>, std::less<>> arrays = {};

  double parameter(std::string_view name, double fallback) const {
    const auto it = parameters.find(name);
    return it == parameters.end() ? fallback : it->second;
  }
  bool operator==(const RuleSpec&) const = default;
};

/// Builds the rule that a spec names; switches decide what the spec leaves open. Throws Error(usage) that
/// lists the known rules, or the rule's parameters.
std::unique_ptr<Rule> make_rule(const RuleSpec& spec, const Conventions& conventions = {});

/// The numbers that a rule's parameter takes; nothing where the rule has none of this name.
std::optional<NumberRange> range_of_parameter(std::string_view rule, std::string_view parameter);

/// Whether `rule` names one, "vjp" (the plain derivative) included.
bool is_rule(std::string_view rule);

}  // namespace onnxray
