#pragma once

#include <map>

#include "core/error.h"
#include "core/graph.h"
#include "ops/op.h"

namespace onnxray {

/// A graph that holds for one sample alone, and which node makes it so.
class OneSampleOnly : public Error {
 public:
  explicit OneSampleOnly(const std::string& why) : Error(ErrorCode::unsupported, why) {}
};

/// Makes a graph that was specialised for one sample take `samples` of them. `axes`: the inputs that differ
/// between samples, and the axis of extent 1 along which they do. Constants that hold the batch (of Reshape,
/// Expand, Resize) are written anew, and every node is checked to compute each sample from that sample alone.
/// Throws OneSampleOnly where one does not, or an output does not keep its samples along one axis.
void rebatch(Graph& graph, const std::map<ValueId, size_t>& axes, int64_t samples, const OpRegistry& ops);

}  // namespace onnxray
