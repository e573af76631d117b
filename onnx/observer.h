#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/backend.h"
#include "core/graph.h"
#include "ops/op.h"

namespace onnxray {

/// What `id` is, in its own type: `graph` holds the nodes that it comes of, in order, with all shapes.
/// `inputs` by Graph::inputs; none where it does not depend on any.
Tensor value_in(const Graph& graph, ValueId id, const OpRegistry& ops, Backend& backend,
                std::span<const Tensor> inputs);

/// Computes values of a graph from given inputs, where the data decides a branch, a number of trips or a
/// shape. The graph that comes of it holds for those inputs alone.
class Observer {
 public:
  /// `inputs` by Graph::inputs; `backend` computes. All must outlive this.
  Observer(const OpRegistry& ops, Backend& backend, const std::vector<Tensor>& inputs)
      : ops_(ops), backend_(backend), inputs_(inputs) {}

  Tensor value(const Graph& graph, ValueId id) const { return value_in(graph, id, ops_, backend_, inputs_); }

 private:
  const OpRegistry& ops_;
  Backend& backend_;
  const std::vector<Tensor>& inputs_;
};

/// `id` where its value is known; else a constant with what the observer saw there, which the graph then
/// depends on and lists among its assumptions. `id` too where there is no observer. `what` is for people:
/// "its condition".
ValueId observed(Graph& graph, const Node& node, ValueId id, std::string_view what, const Observer* observer);

}  // namespace onnxray
