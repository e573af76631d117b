#pragma once

#include <functional>

#include "tests/onnx/passes/pass_fixture.h"

namespace onnxray {

/// Writes functions of one value.
struct Writer {
  GraphMaker g;
  ValueId x = g.input("x", {2, 3});

  ValueId operator()(const std::string& op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return g.node(op, 20, std::move(inputs), std::move(attributes));
  }
  ValueId n(double number) { return g.constant({}, {number}); }
  ValueId add(ValueId a, ValueId b) { return (*this)("Add", {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return (*this)("Sub", {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return (*this)("Mul", {a, b}); }
  ValueId div(ValueId a, ValueId b) { return (*this)("Div", {a, b}); }
  ValueId unary(const std::string& op, ValueId a) { return (*this)(op, {a}); }
  ValueId where(ValueId c, ValueId a, ValueId b) { return (*this)("Where", {c, a, b}); }
  ValueId real(ValueId c) { return (*this)("Cast", {c}, {{"to", int64_t{1}}}); }
  ValueId neg(ValueId a) { return unary("Neg", a); }
  ValueId relu(ValueId a) { return unary("Relu", a); }
  ValueId exp(ValueId a) { return unary("Exp", a); }
};

struct Spelling {
  const char* name;
  std::function<ValueId(Writer&)> write;
};

inline Graph fused(const Graph& graph, const Graph* imported = nullptr) {
  const auto folder = make_reference_backend(true);
  return after(fuse_activations, graph, {.folder = folder.get(), .imported = imported});
}

/// Each spelling becomes one node `op`, which the check looks at.
inline void check_all(
    const std::string& op, const std::vector<Spelling>& spellings,
    const std::function<void(const Node&)>& check = [](const Node&) {}) {
  for (const Spelling& spelling : spellings) {
    INFO(spelling.name);
    Writer w;
    const ValueId y = spelling.write(w);
    const Graph before = w.g.finish({y}), changed = fused(before);
    REQUIRE(ops_of(changed) == op);
    check(changed.nodes[0]);
    for (const Node& node : before.nodes) CHECK(resolves(changed, node.origin.names[0]));
    check_equal_results(before, changed);
  }
}

inline void check_none(const std::vector<Spelling>& spellings) {
  for (const Spelling& spelling : spellings) {
    INFO(spelling.name);
    Writer w;
    const Graph before = w.g.finish({spelling.write(w)});
    CHECK(ops_of(fused(before)) == ops_of(before));
  }
}

inline std::function<void(const Node&)> has(const std::string& name, double value) {
  return [=](const Node& node) { CHECK(float_attribute(node, name, 99) == Approx(value).epsilon(1e-7)); };
}

}  // namespace onnxray
