#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "rules/builtin_composites.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"
#include "tests/support/agreement.h"
#include "tests/support/method_cases.h"

namespace onnxray::test {
namespace {

struct Case {
  std::string name;
  Net net;
  NetKind kind = NetKind::images;
};

std::vector<Case> cases() {
  return {{"D", model_d(), NetKind::dense},
          {"C", model_c()},
          {"convolutions", conv_net({.batch = 2})},
          {"average", average_net({.batch = 2})},
          {"residual", residual_net({.batch = 2})},
          {"branching", branching_net({.batch = 2})},
          {"series", series_net({.batch = 2}), NetKind::series}};
}

void compare(const Case& test, const std::string& convention) {
  const std::vector<std::string> methods = method_cases(test.kind);
  const auto on = [&](const std::unique_ptr<Backend>& backend) {
    return explain_together(*backend, test.net.graph, methods, test.net.x, target_index({1}), convention);
  };
  const auto exact = on(make_reference_backend(true)), rounded = on(make_reference_backend(false)),
             fast = on(make_onednn_backend(2));
  for (size_t m = 0; m < methods.size(); ++m) {
    INFO(test.name << ", " << methods[m] << ", " << convention);
    for (int64_t i = 0; i < test.net.x.shape()[0]; ++i) {
      const Tensor wanted = sample(exact[m], i);
      // Of the largest entry. A quotient with a small denominator magnifies the rounding of its inputs:
      // there the reference backend's own float32 map, which sums in double, says by how much.
      const double magnified = difference(sample(rounded[m], i), wanted);
      CHECK(difference(sample(fast[m], i), wanted) < std::max(float_tolerance(methods[m]), 10 * magnified));
      CHECK(magnified < 1e-2);
    }
  }
}

TEST_CASE("onednn computes what the reference backend computes, by every method on every net") {
  for (const Case& test : cases()) compare(test, "signxai");
}

TEST_CASE("onednn computes what the reference backend computes under every convention") {
  for (const char* convention : {"zennit", "innvestigate"}) {
    for (const Case& test : cases()) {
      if (test.name == "convolutions" || test.name == "series") compare(test, convention);
    }
  }
}

TEST_CASE("every method that onnxray lists and every composite is compared between backends") {
  const auto texts = method_cases(NetKind::series);
  const auto has = [&](const std::string& part) {
    return std::ranges::any_of(texts,
                               [&](const std::string& t) { return t.find(part) != std::string::npos; });
  };
  for (const MethodInfo& method : method_list()) CHECK(has(method.example));
  for (const std::string_view name : builtin_composite_names()) CHECK(has("composite=" + std::string(name)));
}

}  // namespace
}  // namespace onnxray::test
