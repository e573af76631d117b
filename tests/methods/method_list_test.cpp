#include <algorithm>
#include <set>

#include "methods/method_spec.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

MethodSpec resolved(const MethodInfo& method) { return resolve_methods({method.example}, {}, "signxai")[0]; }

TEST_CASE("every method of the list has a name, a formula, a source, and parameters that it takes") {
  for (const MethodInfo& method : method_list()) {
    INFO(method.pattern);
    CHECK_FALSE(method.formula.empty());
    CHECK_FALSE(method.citation.empty());
    const auto known = method_parameters(resolved(method));
    std::set<std::string> seen;
    for (const ParameterInfo& p : method.parameters) {
      INFO(p.name);
      CHECK(std::ranges::find(known, p.name) != known.end());
      CHECK_FALSE(p.default_value.empty());
      CHECK(seen.insert(p.name).second);
    }
  }
}

TEST_CASE("no parameter that a family takes is missing from the list") {
  using Family = MethodName::Family;
  std::map<Family, std::set<std::string>> listed, taken;
  for (const MethodInfo& method : method_list()) {
    const MethodSpec spec = resolved(method);
    for (const ParameterInfo& p : method.parameters) listed[spec.name.family].insert(p.name);
    for (const std::string_view name : method_parameters(spec))
      taken[spec.name.family].insert(std::string(name));
  }
  CHECK(taken.size() == 14);  // as many as MethodName::Family has
  CHECK(listed == taken);
}

TEST_CASE("a default that is a switch is that of the signxai convention") {
  for (const MethodInfo& method : method_list()) {
    for (const SwitchInfo& s : list_switches(convention("signxai"))) {
      const auto p = std::ranges::find(method.parameters, s.name, &ParameterInfo::name);
      if (p != method.parameters.end()) CHECK(p->default_value == s.value);
    }
  }
}

}  // namespace
}  // namespace onnxray::test
