#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/primitive.h"
#include "core/tensor.h"

namespace onnxray {

/// A variable of a Program: assigned once.
struct Var {
  int32_t id = -1;
  explicit operator bool() const { return id >= 0; }
  bool operator==(const Var&) const = default;
};

/// When a step runs: before the loop, in each of its `trips`, or after it.
enum class Block : uint8_t { once, repeat, finish };

struct Variable {
  Shape shape;
  DType dtype = DType::f32;
  std::optional<Tensor> constant;
  std::string label;  ///< where it comes from, for people: an ONNX name or a role such as "relevance"
};

struct Step {
  Primitive primitive;
  std::vector<Var> inputs, outputs;
  Block block = Block::once;
  int32_t node = -1;  ///< index of the graph node that the step belongs to
};

/// A value carried through the loop. Steps of `repeat` read `current`: `initial` on the first trip, the
/// previous trip's `next` later. Steps of `finish` read in it the last trip's `next`.
struct LoopVariable {
  Var initial, current, next;
};

struct NamedVar {
  std::string name;
  Var var;
};

/// A straight list of primitives in three blocks, in SSA form, with static shapes and no layout.
/// A plain value that the optimiser's passes edit.
class Program {
 public:
  std::vector<Variable> variables;
  std::vector<Step> steps;  ///< in execution order; once, then repeat, then finish
  std::vector<NamedVar> inputs, outputs;
  std::vector<LoopVariable> loop;
  int64_t trips = 1;
  Var step_index;  ///< i64 scalar: the trip's number; unset where no step reads it

  Variable& operator[](Var v) { return variables[static_cast<size_t>(v.id)]; }
  const Variable& operator[](Var v) const { return variables[static_cast<size_t>(v.id)]; }
  bool is_constant(Var v) const { return (*this)[v].constant.has_value(); }

  Var add_variable(Shape shape, DType dtype, std::string label = {});

  /// One line per step.
  std::string to_text() const;
};

}  // namespace onnxray
