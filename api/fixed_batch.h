#pragma once

#include <map>
#include <vector>

#include "core/graph.h"

namespace onnxray {

/// Samples given to a model whose file fixes its batch at 1.
struct FixedBatch {
  int64_t samples = 1;
  std::map<ValueId, size_t> axes;  ///< of the inputs that differ between samples: the axis along which
  explicit operator bool() const { return samples > 1; }
  bool operator==(const FixedBatch&) const = default;
};

/// How `inputs` (of these shapes) exceed a batch of 1 that the model fixes; nothing where they are as it
/// declares them. Error(usage) where they fit neither way. Inputs in `bound` are taken as declared.
FixedBatch fixed_batch(const Graph& graph, const std::vector<ValueId>& bound,
                       const std::vector<Shape>& inputs);

/// Samples [first, first + count) along an axis.
Tensor samples_of(const Tensor& t, size_t axis, int64_t first, int64_t count);
/// Likewise of several tensors, each along its own axis.
std::vector<Tensor> samples_of(const std::vector<Tensor>& tensors, const std::vector<size_t>& axes,
                               int64_t first, int64_t count);
/// One after the other along an axis.
Tensor joined(const std::vector<Tensor>& parts, size_t axis);

}  // namespace onnxray
