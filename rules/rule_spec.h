#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "backward/rule.h"

namespace onnxray {

/// A relevance rule by name with its numbers: {"epsilon", {{"epsilon", 0.1}}}.
struct RuleSpec {
  std::string rule;
  std::map<std::string, double, std::less<>> parameters = {};

  double parameter(std::string_view name, double fallback) const {
    const auto it = parameters.find(name);
    return it == parameters.end() ? fallback : it->second;
  }
};

/// Builds the rule that a spec names. Throws Error(usage) that lists the known rules.
std::unique_ptr<Rule> make_rule(const RuleSpec& spec);

}  // namespace onnxray
