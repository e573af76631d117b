#pragma once

#include <span>
#include <vector>

#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

/// A function of one value that nodes compute element by element with constants: what an activation is where
/// it is written out. Nothing else reads what lies between.
struct Pointwise {
  ValueId x = kNoValue;
  std::vector<const Node*> nodes;  ///< in the order of computing: the last one writes the result
  std::vector<double> numbers;     ///< the constants that hold one number
  Shape parameters = {};           ///< of the others, which are all alike
  bool has_parameters = false;
};

/// The functions whose result `root` writes: of its operand first, then of values further back.
std::vector<Pointwise> pointwise_functions(const GraphEdit& edit, const Node& root);

/// f at every x, computed by the operators themselves: [xs], or [xs, parameters] in row-major order.
std::vector<double> values_at(const GraphEdit& edit, const Pointwise& f, std::span<const double> xs,
                              const PassOptions& options);
/// The same for one node of one input.
std::vector<double> values_at(const Node& node, std::span<const double> xs, Backend& folder);

}  // namespace onnxray
