#include <cmath>

#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

/// 1 + erf(x / sqrt(2)), as each exporter writes it.
ValueId one_plus_erf(GraphMaker& g, ValueId x, bool divide) {
  const double root2 = static_cast<double>(std::sqrt(2.0F));
  const ValueId scaled =
      divide ? g.node("Div", 14, {x, g.scalar(root2)}) : g.node("Mul", 14, {g.scalar(1 / root2), x});
  return g.node("Add", 14, {g.node("Erf", 13, {scaled}), g.scalar(1)});
}

void check_gelu(GraphMaker& g, ValueId y, const std::string& approximate) {
  const Graph before = g.finish({y}), changed = after(fuse_gelu, before);
  REQUIRE(ops_of(changed) == "Relu Gelu");
  CHECK(string_attribute(changed.nodes[1], "approximate", "") == approximate);
  for (size_t n = 1; n < before.nodes.size(); ++n) CHECK(resolves(changed, before.nodes[n].origin.names[0]));
  check_equal_results(before, changed);
}

}  // namespace

TEST_CASE("the erf form of GELU is found in any order of its factors", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  SECTION("(x * (1 + erf)) * 0.5") {
    const ValueId bracket = one_plus_erf(g, x, true);
    check_gelu(g, g.node("Mul", 14, {g.node("Mul", 14, {x, bracket}), g.scalar(0.5)}), "none");
  }
  SECTION("x * (0.5 * (1 + erf))") {
    const ValueId bracket = one_plus_erf(g, x, false);
    check_gelu(g, g.node("Mul", 14, {x, g.node("Mul", 14, {g.scalar(0.5), bracket})}), "none");
  }
  SECTION("(0.5 * x) * (1 + erf)") {
    const ValueId half = g.node("Mul", 14, {g.scalar(0.5), x});
    check_gelu(g, g.node("Mul", 14, {half, one_plus_erf(g, x, true)}), "none");
  }
  SECTION("x * (1 + erf) / 2") {
    const ValueId bracket = one_plus_erf(g, x, true);
    check_gelu(g, g.node("Div", 14, {g.node("Mul", 14, {bracket, x}), g.scalar(2)}), "none");
  }
}

TEST_CASE("the tanh form of GELU is found", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  constexpr double kRoot = 0.7978845608028654;
  const auto finish = [&](ValueId argument) {
    const ValueId bracket = g.node("Add", 14, {g.node("Tanh", 13, {argument}), g.scalar(1)});
    check_gelu(g, g.node("Mul", 14, {g.node("Mul", 14, {x, g.scalar(0.5)}), bracket}), "tanh");
  };
  SECTION("with Pow") {
    const ValueId cube = g.node("Mul", 14, {g.scalar(0.044715), g.node("Pow", 15, {x, g.scalar(3)})});
    finish(g.node("Mul", 14, {g.node("Add", 14, {x, cube}), g.scalar(kRoot)}));
  }
  SECTION("with products") {
    const ValueId cube =
        g.node("Mul", 14, {g.node("Mul", 14, {g.node("Mul", 14, {x, x}), x}), g.scalar(0.044715)});
    finish(g.node("Mul", 14, {g.scalar(kRoot), g.node("Add", 14, {x, cube})}));
  }
  SECTION("with x taken out of the bracket") {
    const ValueId square = g.node("Mul", 14, {g.node("Mul", 14, {g.scalar(0.044715), x}), x});
    const ValueId bracket = g.node("Add", 14, {square, g.scalar(1)});
    finish(g.node("Mul", 14, {g.node("Mul", 14, {x, g.scalar(kRoot)}), bracket}));
  }
}

TEST_CASE("a GELU whose inside is read elsewhere, or with another constant, stays", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const ValueId bracket = one_plus_erf(g, x, true);
  const ValueId y = g.node("Mul", 14, {g.node("Mul", 14, {x, bracket}), g.scalar(0.5)});
  SECTION("read elsewhere") {
    const Graph before = g.finish({y, bracket});
    CHECK(ops_of(after(fuse_gelu, before)) == ops_of(before));
  }
  SECTION("another constant") {
    const Graph before = g.finish({g.node("Mul", 14, {y, g.scalar(1.5)})});
    CHECK(ops_of(after(fuse_gelu, before)) == "Relu Gelu Mul");
    const ValueId z = g.node("Mul", 14, {g.node("Mul", 14, {x, one_plus_erf(g, x, true)}), g.scalar(0.6)});
    const Graph other = g.finish({z});
    CHECK(ops_of(after(fuse_gelu, other)).find("Gelu") == std::string::npos);
  }
}
