#pragma once

#include <vector>

#include "onnx/passes/edit.h"

namespace onnxray {

/// A tree of Mul, and of Div by a number, multiplied out: coefficient * factors[0] * factors[1] * ...
struct Product {
  double coefficient = 1;
  std::vector<ValueId> factors;
};

/// Multiplies out the value `root`. Descends only into values that nothing else reads, so a factor that is
/// itself a product but has other readers stays one factor. A value that is no product is its own single
/// factor.
Product multiply_out(const GraphEdit& edit, ValueId root);

/// The operand of an Add of `id` that is not the number `value`; kNoValue where there is none.
ValueId other_term(const GraphEdit& edit, const Node& add, double value);

/// Splits two factors into x and the output of a node `op`; null where neither is one.
struct FactorAndNode {
  ValueId x = kNoValue;
  Node* node = nullptr;
};
FactorAndNode find_factor(const GraphEdit& edit, const Product& product, std::string_view op);

}  // namespace onnxray
