#pragma once

#include <map>
#include <vector>

#include "core/backend.h"
#include "core/graph.h"
#include "core/growth_budget.h"
#include "onnx/observer.h"
#include "onnx/passes/pass.h"
#include "ops/op.h"

namespace onnxray {

/// What makes a model's symbolic extents concrete.
struct Specialisation {
  std::vector<Shape> input_shapes;  ///< by Graph::inputs; those of bound inputs are not read
  std::map<ValueId, Tensor> bound;  ///< values of bound inputs
  /// Of a model that takes one sample, how many it shall take; input_shapes are those of one.
  int64_t samples = 1;
  std::map<ValueId, size_t> sample_axes = {};  ///< inputs that differ between samples: the axis along which
  /// For a backend whose reals are floats: f64 values become f32, so that rules guard against the rounding
  /// that there will be; where they carry integers from integers to integers, i64.
  bool single = false;
  /// Sees what the inputs make of values that decide a branch, a number of trips or a shape; null: a model
  /// with such values is refused. It is for one sample where `samples` are more.
  const Observer* observer = nullptr;
  /// Bytes that constants, unrolled loops and tables may take (core/growth_budget.h).
  int64_t max_growth = GrowthBudget::of_file(0);
};

/// The graph inputs that reach a shape operand (OpDef::shape_operands) by another way than through Shape or
/// Size: their values must be known before shapes are, so they are constants of a plan.
std::vector<ValueId> bound_inputs(const Graph& graph, const OpRegistry& ops);

/// A copy of `model` in which every value has a type and a shape and all passes have been applied. Subgraphs
/// of constants are computed by `folder`, best a backend in double. Bound inputs stay in Graph::inputs, as
/// values with a constant. Half precision is widened: f16 and bf16 values become f32. Errors: OneSampleOnly
/// (onnx/rebatch.h) where the graph does not take more samples, usage where the shapes do not fit the
/// declared inputs, bad_file or unsupported from a node's lowering.
Graph specialise(const Graph& model, const Specialisation& specialisation, const PassOptions& options,
                 const OpRegistry& ops, Backend& folder);

}  // namespace onnxray
