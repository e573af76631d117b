#pragma once

#include <vector>

#include "core/plan.h"

namespace onnxray {

/// A later elementwise step that can be part of a step whose (first) result nobody else reads.
struct Epilogue {
  int64_t step = -1;     ///< its number; -1: there is none
  size_t continued = 0;  ///< which of its operands is the result that it continues
  explicit operator bool() const { return step >= 0; }
};

/// By step of a plan: its epilogue. Of one operand, whose bytes its own result takes; or of two, whose
/// second lies in the bytes of the result when the continued step runs, and nobody reads it otherwise from
/// there on.
std::vector<Epilogue> find_epilogues(const Plan& plan);

/// The expression with input `continued` as input 0 and the other, if any, as input 1.
Expression continuing(Expression expression, size_t continued);

}  // namespace onnxray
