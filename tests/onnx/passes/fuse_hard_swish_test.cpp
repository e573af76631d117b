#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

ValueId relu6_of_x_plus_3(GraphMaker& g, ValueId x) {
  return g.node("Clip", 13, {g.node("Add", 14, {x, g.scalar(3)}), g.scalar(0), g.scalar(6)});
}

void check_fused(GraphMaker& g, ValueId y, const std::string& ops) {
  const Graph before = g.finish({y}), changed = after(fuse_hard_swish, before);
  CHECK(ops_of(changed) == ops);
  check_equal_results(before, changed);
}

}  // namespace

TEST_CASE("the forms of HardSwish and HardSigmoid are found", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("LeakyRelu", 16, {g.input("x", {2, 3})});
  const Attributes sixth = {{"alpha", 1.0 / 6}, {"beta", 0.5}};
  SECTION("x * HardSigmoid(x)") {
    check_fused(g, g.node("Mul", 14, {x, g.node("HardSigmoid", 6, {x}, sixth)}), "LeakyRelu HardSwish");
  }
  SECTION("x * clip / 6") {
    check_fused(g, g.node("Div", 14, {g.node("Mul", 14, {x, relu6_of_x_plus_3(g, x)}), g.scalar(6)}),
                "LeakyRelu HardSwish");
  }
  SECTION("x * (clip / 6)") {
    check_fused(g, g.node("Mul", 14, {x, g.node("Div", 14, {relu6_of_x_plus_3(g, x), g.scalar(6)})}),
                "LeakyRelu HardSwish");
  }
  SECTION("x * (clip * 1/6)") {
    check_fused(g, g.node("Mul", 14, {g.node("Mul", 14, {relu6_of_x_plus_3(g, x), g.scalar(1.0 / 6)}), x}),
                "LeakyRelu HardSwish");
  }
  SECTION("clip / 6 as a gate") {
    const ValueId gate = g.node("Div", 14, {relu6_of_x_plus_3(g, g.node("Exp", 13, {x})), g.scalar(6)});
    check_fused(g, g.node("Mul", 14, {gate, x}), "LeakyRelu Exp HardSigmoid Mul");
  }
}

TEST_CASE("HardSigmoid with the slope of Keras is no part of HardSwish", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const ValueId gate = g.node("HardSigmoid", 6, {x}, {{"alpha", 0.2}, {"beta", 0.5}});
  const Graph before = g.finish({g.node("Mul", 14, {x, gate})});
  CHECK(ops_of(after(fuse_hard_swish, before)) == "Relu HardSigmoid Mul");
}
