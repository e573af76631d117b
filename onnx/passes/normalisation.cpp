#include "onnx/passes/normalisation.h"

#include "onnx/passes/constants.h"

namespace onnxray {

std::optional<int64_t> first_trailing_axis(const Graph& graph, const Node& mean) {
  const size_t rank = graph[mean.inputs[0]].shape->size();
  const auto axes = reduction_axes(graph, mean, rank);
  if (!axes || axes->empty() || int_attribute(mean, "keepdims", 1) == 0) return std::nullopt;
  for (size_t i = 0; i < axes->size(); ++i) {
    if ((*axes)[i] != static_cast<int64_t>(rank - axes->size() + i)) return std::nullopt;
  }
  return axes->front();
}

ValueId squared(const GraphEdit& edit, ValueId id) {
  const Node* node = edit.producer(id);
  if (node == nullptr) return kNoValue;
  if (node->op == "Pow") return is_scalar(edit.graph, node->inputs[1], 2) ? node->inputs[0] : kNoValue;
  return node->op == "Mul" && node->inputs[0] == node->inputs[1] ? node->inputs[0] : kNoValue;
}

std::optional<Deviation> match_deviation(const GraphEdit& edit, ValueId id) {
  const Node* root = edit.producer(id, "Sqrt");
  const Node* add = root != nullptr ? edit.producer(root->inputs[0], "Add") : nullptr;
  if (add == nullptr) return std::nullopt;
  const size_t eps_at = edit.graph.constant(add->inputs[1]) != nullptr ? 1 : 0;
  const auto eps = scalar_constant(edit.graph, add->inputs[eps_at]);
  const Node* variance = edit.producer(add->inputs[1 - eps_at], "ReduceMean");
  if (!eps || variance == nullptr) return std::nullopt;
  const auto axis = first_trailing_axis(edit.graph, *variance);
  const ValueId d = squared(edit, variance->inputs[0]);
  if (!axis || d == kNoValue) return std::nullopt;
  return Deviation{d, *axis, *eps};
}

ValueId reciprocal_of(const GraphEdit& edit, ValueId id) {
  if (const Node* reciprocal = edit.producer(id, "Reciprocal")) return reciprocal->inputs[0];
  const Node* div = edit.producer(id, "Div");
  return div != nullptr && is_scalar(edit.graph, div->inputs[0], 1) ? div->inputs[1] : kNoValue;
}

std::optional<Tensor> as_parameter(const Graph& graph, ValueId id, const Shape& normalised) {
  const Tensor* t = graph.constant(id);
  if (t == nullptr) return std::nullopt;
  Shape shape = t->shape();
  while (shape.size() > normalised.size() && shape.front() == 1) shape.erase(shape.begin());
  if (shape != normalised) return std::nullopt;
  return t->reshaped(normalised);
}

}  // namespace onnxray
