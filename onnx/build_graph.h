#pragma once

#include "onnx/flat_graph.h"
#include "ops/op.h"

namespace onnxray {

class TensorReader;

/// The Graph of the nodes that the outputs need, in topological order. Error(unsupported) lists what
/// `ops` lacks; Error(bad_file) on a cycle or a corrupt tensor.
Graph build_graph(FlatGraph flat, const OpRegistry& ops, TensorReader& tensors, GrowthBudget& budget,
                  std::vector<std::string>& notes);

}  // namespace onnxray
