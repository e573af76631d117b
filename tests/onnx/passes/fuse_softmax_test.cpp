#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

constexpr int64_t kAxis = 1;

ValueId reduce(GraphMaker& g, const std::string& op, ValueId x, int64_t axis = kAxis, int64_t keep = 1) {
  // ReduceSum has its axes as an operand from opset 13 on, ReduceMax from 18.
  if (op == "ReduceSum") return g.node(op, 13, {x, g.ints({axis})}, {{"keepdims", keep}});
  return g.node(op, 13, {x}, {{"axes", std::vector<int64_t>{axis}}, {"keepdims", keep}});
}

ValueId shifted(GraphMaker& g, ValueId x, int64_t axis = kAxis) {
  return g.node("Sub", 14, {x, reduce(g, "ReduceMax", x, axis)});
}

/// A softmax over relu(x) [2,3,4] written out, as the pass leaves it.
template <class Write>
Graph written_out(Write write) {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3, 4})});
  const Graph before = g.finish({write(g, x)}), changed = after(fuse_softmax, before);
  check_equal_results(before, changed);
  return changed;
}

void check_is(const Graph& changed, const std::string& op) {
  REQUIRE(ops_of(changed) == "Relu " + op);
  CHECK(int_attribute(changed.nodes[1], "axis", -1) == kAxis);
}

TEST_CASE("exponentials over their sum are Softmax, with and without the maximum taken off", "[onnx][pass]") {
  const auto quotient = [](GraphMaker& g, ValueId t) {
    const ValueId e = g.node("Exp", 13, {t});
    return g.node("Div", 14, {e, reduce(g, "ReduceSum", e)});
  };
  check_is(written_out(quotient), "Softmax");
  check_is(written_out([&](GraphMaker& g, ValueId x) { return quotient(g, shifted(g, x)); }), "Softmax");
  check_is(written_out([](GraphMaker& g, ValueId x) {
             const ValueId e = g.node("Exp", 13, {x});
             return g.node("Mul", 14, {e, g.node("Reciprocal", 13, {reduce(g, "ReduceSum", e)})});
           }),
           "Softmax");
  check_is(written_out([](GraphMaker& g, ValueId x) {
             const ValueId e = g.node("Exp", 13, {x}), sum = reduce(g, "ReduceSum", e, kAxis, 0);
             return g.node("Div", 14, {e, g.node("Unsqueeze", 13, {sum, g.ints({kAxis})})});
           }),
           "Softmax");
}

TEST_CASE("the logarithm of Softmax is LogSoftmax, however it is written", "[onnx][pass]") {
  check_is(written_out([](GraphMaker& g, ValueId x) {
             return g.node("Log", 13, {g.node("Softmax", 13, {x}, {{"axis", kAxis}})});
           }),
           "LogSoftmax");
  check_is(written_out([](GraphMaker& g, ValueId x) {
             return g.node("Sub", 14, {x, reduce(g, "ReduceLogSumExp", x)});
           }),
           "LogSoftmax");
  const auto minus_log_sum = [](GraphMaker& g, ValueId t) {
    const ValueId sum = reduce(g, "ReduceSum", g.node("Exp", 13, {t}));
    return g.node("Sub", 14, {t, g.node("Log", 13, {sum})});
  };
  check_is(written_out(minus_log_sum), "LogSoftmax");
  check_is(written_out([&](GraphMaker& g, ValueId x) { return minus_log_sum(g, shifted(g, x)); }),
           "LogSoftmax");
  check_is(written_out([](GraphMaker& g, ValueId x) {
             const ValueId largest = reduce(g, "ReduceMax", x), t = g.node("Sub", 14, {x, largest});
             const ValueId log = g.node("Log", 13, {reduce(g, "ReduceSum", g.node("Exp", 13, {t}))});
             return g.node("Sub", 14, {x, g.node("Add", 14, {largest, log})});
           }),
           "LogSoftmax");
}

TEST_CASE("sums of other exponentials and along several axes are no Softmax", "[onnx][pass]") {
  const auto keeps = [](auto write) {
    return ops_of(written_out(write)).find("Softmax") == std::string::npos;
  };
  CHECK(keeps([](GraphMaker& g, ValueId x) {
    const ValueId e = g.node("Exp", 13, {x}), other = g.node("Exp", 13, {g.node("Neg", 13, {x})});
    return g.node("Div", 14, {e, reduce(g, "ReduceSum", other)});
  }));
  CHECK(keeps([](GraphMaker& g, ValueId x) {
    const ValueId e = g.node("Exp", 13, {x});
    return g.node("Div", 14, {e, g.node("ReduceSum", 13, {e, g.ints({1, 2})}, {{"keepdims", int64_t{1}}})});
  }));
  // A maximum along another axis is not constant along the sum's: it stays.
  const Graph other = written_out([](GraphMaker& g, ValueId x) {
    const ValueId e = g.node("Exp", 13, {shifted(g, x, 2)});
    return g.node("Div", 14, {e, reduce(g, "ReduceSum", e)});
  });
  CHECK(ops_of(other) == "Relu ReduceMax Sub Softmax");
}

}  // namespace
