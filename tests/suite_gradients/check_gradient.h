#pragma once

#include <string>

#include "core/graph.h"
#include "tests/support/wavy.h"

namespace onnxray {

/// One node with its operands, whose gradient is to be checked.
struct GradientCase {
  std::string name;
  std::string op;
  int64_t opset;
  Attributes attributes;
  std::vector<Tensor> inputs;  ///< f64 tensors are variables; others, and the listed constants, are fixed
  std::vector<size_t> constants = {};  ///< inputs that are constants although they are f64
  size_t outputs = 1;
};

/// The largest |J^T c - central difference| over every element of every variable, relative to the largest
/// derivative. `c` is a fixed weighting of the outputs. Runs on the reference backend in double.
double gradient_error(const GradientCase& test);

}  // namespace onnxray
