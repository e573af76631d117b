#include <cmath>
#include <numbers>

#include "onnx/passes/constants.h"
#include "onnx/passes/pass.h"
#include "onnx/passes/product.h"

namespace onnxray {

namespace {

/// Whether `id` is k * x.
bool is_multiple_of(const GraphEdit& edit, ValueId id, ValueId x, double k) {
  const Product p = multiply_out(edit, id);
  return p.factors.size() == 1 && p.factors[0] == x && nearly(p.coefficient, k);
}

/// Whether `id` is k * x^power, by Pow or by repeated Mul.
bool is_power_of(const GraphEdit& edit, ValueId id, ValueId x, double k, int power) {
  Product p = multiply_out(edit, id);
  if (!nearly(p.coefficient, k)) return false;
  int found = 0;
  for (const ValueId factor : p.factors) {
    const Node* pow = edit.producer(factor, "Pow");
    if (factor == x) {
      ++found;
    } else if (pow != nullptr && pow->inputs[0] == x) {
      const auto exponent = scalar_constant(edit.graph, pow->inputs[1]);
      if (!exponent || *exponent != std::round(*exponent)) return false;
      found += static_cast<int>(*exponent);
    } else if (const Node* mul = edit.producer(factor, "Mul");
               mul != nullptr && mul->inputs[0] == x && mul->inputs[1] == x) {
      found += 2;
    } else {
      return false;
    }
  }
  return found == power;
}

/// Whether `id` is sqrt(2/pi) * (x + 0.044715 x^3), or the same with x taken out of the bracket.
bool is_tanh_argument(const GraphEdit& edit, ValueId id, ValueId x) {
  constexpr double kCubic = 0.044715;
  const Product p = multiply_out(edit, id);
  if (!nearly(p.coefficient, std::sqrt(2 / std::numbers::pi)) || p.factors.empty() || p.factors.size() > 2)
    return false;
  if (p.factors.size() == 1) {
    const Node* add = edit.producer(p.factors[0], "Add");
    if (add == nullptr) return false;
    return (add->inputs[0] == x && is_power_of(edit, add->inputs[1], x, kCubic, 3)) ||
           (add->inputs[1] == x && is_power_of(edit, add->inputs[0], x, kCubic, 3));
  }
  const auto [factor, add] = find_factor(edit, p, "Add");
  if (add == nullptr || factor != x) return false;
  const ValueId square = other_term(edit, *add, 1);
  return square != kNoValue && is_power_of(edit, square, x, kCubic, 2);
}

/// y = 0.5 x (1 + erf(x / sqrt(2))), or its tanh approximation, in any order.
bool match(GraphEdit& edit, Node& node) {
  const Product p = multiply_out(edit, node.outputs[0]);
  if (!nearly(p.coefficient, 0.5)) return false;
  const auto [x, add] = find_factor(edit, p, "Add");
  if (add == nullptr) return false;
  const ValueId bounded = other_term(edit, *add, 1);
  Node* function = edit.producer(bounded);
  if (function == nullptr || !edit.used_once(bounded) ||
      edit.graph[x].shape != edit.graph[node.outputs[0]].shape)
    return false;
  if (function->op == "Erf" && is_multiple_of(edit, function->inputs[0], x, std::numbers::sqrt2 / 2)) {
    edit.rewrite(node, "Gelu", 20, {x}, {{"approximate", std::string("none")}});
    return true;
  }
  if (function->op == "Tanh" && is_tanh_argument(edit, function->inputs[0], x)) {
    edit.rewrite(node, "Gelu", 20, {x}, {{"approximate", std::string("tanh")}});
    return true;
  }
  return false;
}

}  // namespace

bool fuse_gelu(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.domain.empty() && (node.op == "Mul" || node.op == "Div")) match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
