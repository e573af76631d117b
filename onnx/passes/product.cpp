#include "onnx/passes/product.h"

#include "onnx/passes/constants.h"

namespace onnxray {

namespace {

// Real patterns have at most four levels.
constexpr int kMaxDepth = 6;

bool is_product(const GraphEdit& edit, ValueId id) {
  if (edit.producer(id, "Mul") != nullptr) return true;
  const Node* div = edit.producer(id, "Div");
  return div != nullptr && scalar_constant(edit.graph, div->inputs[1]).has_value();
}

void collect(const GraphEdit& edit, ValueId id, int depth, Product& product) {
  const Node& node = *edit.producer(id);
  for (size_t i = 0; i < 2; ++i) {
    const ValueId operand = node.inputs[i];
    if (const auto c = scalar_constant(edit.graph, operand)) {
      product.coefficient = node.op == "Div" && i == 1 ? product.coefficient / *c : product.coefficient * *c;
    } else if (depth < kMaxDepth && edit.used_once(operand) && is_product(edit, operand)) {
      collect(edit, operand, depth + 1, product);
    } else {
      product.factors.push_back(operand);
    }
  }
}

}  // namespace

Product multiply_out(const GraphEdit& edit, ValueId root) {
  Product product;
  if (is_product(edit, root))
    collect(edit, root, 0, product);
  else
    product.factors.push_back(root);
  return product;
}

ValueId other_term(const GraphEdit& edit, const Node& add, double value) {
  if (is_scalar(edit.graph, add.inputs[0], value)) return add.inputs[1];
  if (is_scalar(edit.graph, add.inputs[1], value)) return add.inputs[0];
  return kNoValue;
}

FactorAndNode find_factor(const GraphEdit& edit, const Product& product, std::string_view op) {
  if (product.factors.size() != 2) return {};
  for (size_t i = 0; i < 2; ++i) {
    Node* node = edit.producer(product.factors[i], op);
    if (node != nullptr && edit.used_once(product.factors[i])) return {product.factors[1 - i], node};
  }
  return {};
}

}  // namespace onnxray
