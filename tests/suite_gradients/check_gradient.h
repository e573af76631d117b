#pragma once

#include <set>
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

/// Central differences in double with h = 1e-5 agree with the true derivative to about 1e-9 of the largest
/// one; an error in a formula shows in the first digits. 1e-6 separates the two with room on both sides.
constexpr double kTolerance = 1e-6;

/// Checks each case in a section of its own.
void check(const std::vector<GradientCase>& cases);
/// The operators that had a case so far.
const std::set<std::string>& checked_operators();

}  // namespace onnxray
