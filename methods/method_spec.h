#pragma once

#include <map>
#include <string>
#include <vector>

#include "methods/method_name.h"
#include "rules/conventions.h"

namespace onnxray {

/// A method ready to be emitted: its name, the convention it runs under, and its parameters under canonical
/// names.
struct MethodSpec {
  std::string text;  ///< as the caller wrote it
  MethodName name;
  Conventions conventions;
  std::map<std::string, std::string, std::less<>> parameters;
  /// Whether the composite's spelling decided the convention, since the caller named none.
  bool is_convention_of_composite = false;

  const std::string* find(std::string_view parameter) const;
  double number(std::string_view parameter, double fallback) const;
  std::string string(std::string_view parameter, std::string_view fallback) const;
  bool operator==(const MethodSpec& other) const {
    return text == other.text && conventions == other.conventions && parameters == other.parameters;
  }
};

/// Takes method texts apart: "NAME" or "NAME:key=value,key=value". `parameters` go to every method that has
/// them; one that none has is Error(usage), as are two synonyms with different values. Switches of the
/// convention are parameters too. An empty convention is signxai, or zennit for a method whose composite is
/// spelled as Zennit spells it.
std::vector<MethodSpec> resolve_methods(const std::vector<std::string>& texts,
                                        const std::map<std::string, std::string>& parameters,
                                        const std::string& convention);

/// Values that the model's input can take, one or one per channel.
struct InputRange {
  std::vector<double> low, high;
};

/// Bounds the input where a method can have bounds and got none. A model suffix of the name brings its own.
void set_default_bounds(MethodSpec& method, const InputRange& range);

/// Canonical names of the parameters that a method takes, switches among them.
std::vector<std::string_view> method_parameters(const MethodSpec& method);

struct ParameterInfo {
  std::string name, default_value;
};

/// The methods as data, for `onnxray methods` and docs/methods.md. `parameters` are those that a method
/// reads, with their defaults under the signxai convention.
struct MethodInfo {
  std::string pattern;
  std::string example;  ///< a text that the pattern stands for
  std::string formula;
  std::vector<ParameterInfo> parameters;
  std::string citation;
};
std::vector<MethodInfo> method_list();

}  // namespace onnxray
