#include "onnx/specialise.h"

#include <algorithm>

#include "core/fail.h"
#include "onnx/infer.h"

namespace onnxray {

std::vector<ValueId> bound_inputs(const Graph& graph, const OpRegistry& ops) {
  std::vector<bool> bound(graph.values.size(), false);
  const auto mark = [&](ValueId id) {
    if (id != kNoValue) bound[static_cast<size_t>(id)] = true;
  };
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    if (const OpDef* op = ops.find(node.domain, node.op)) {
      for (const int i : op->shape_operands) {
        if (static_cast<size_t>(i) < node.inputs.size()) mark(node.inputs[static_cast<size_t>(i)]);
      }
    }
    if (node.op == "Shape" || node.op == "Size") continue;
    const bool reached = std::ranges::any_of(
        node.outputs, [&](ValueId id) { return id != kNoValue && bound[static_cast<size_t>(id)]; });
    if (reached) std::ranges::for_each(node.inputs, mark);
  }
  std::vector<ValueId> result;
  for (const InputInfo& input : graph.inputs) {
    if (bound[static_cast<size_t>(input.value)] && graph.constant(input.value) == nullptr)
      result.push_back(input.value);
  }
  return result;
}

namespace {

/// Half precision ends here: casts to it and constants in it become f32.
void widen_halves(Graph& graph) {
  for (Value& value : graph.values) {
    if (value.constant && value.constant->dtype() != widened(value.constant->dtype()))
      value.constant = value.constant->to(DType::f32);
    if (value.dtype) value.dtype = widened(*value.dtype);
  }
  constexpr int64_t kOnnxFloat = 1, kOnnxHalf = 10, kOnnxBfloat16 = 16;
  for (Node& node : graph.nodes) {
    for (auto& [name, attribute] : node.attributes) {
      const int64_t* type = std::get_if<int64_t>(&attribute);
      const bool is_type = type != nullptr && (name == "to" || name == "dtype");
      if (is_type && (*type == kOnnxHalf || *type == kOnnxBfloat16)) attribute = kOnnxFloat;
      if (const Tensor* t = std::get_if<Tensor>(&attribute); t && t->dtype() != widened(t->dtype()))
        attribute = t->to(DType::f32);
    }
  }
}

/// The batch, axis 0, may differ from what the exporter saw; a node that fixes it says so when it is lowered.
void check_shape(const Graph& graph, const InputInfo& input, const Shape& shape) {
  if (!input.has_shape) return;
  const std::string& name = graph[input.value].name;
  require(shape.size() == input.extents.size(), ErrorCode::usage,
          "input '{}' has {} axes in the model, but a tensor {} was given", name, input.extents.size(),
          to_string(shape));
  for (size_t i = 1; i < shape.size(); ++i) {
    const int64_t* fixed = std::get_if<int64_t>(&input.extents[i]);
    require(fixed == nullptr || *fixed == shape[i], ErrorCode::usage,
            "input '{}' needs extent {} on axis {}, but a tensor {} was given", name,
            fixed != nullptr ? *fixed : 0, i, to_string(shape));
  }
}

void set_inputs(Graph& graph, const Specialisation& specialisation) {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    Value& value = graph[graph.inputs[i].value];
    const auto bound = specialisation.bound.find(graph.inputs[i].value);
    if (bound != specialisation.bound.end())
      value.constant = bound->second.to(value.dtype.value_or(bound->second.dtype()));
    if (value.constant) {
      value.dtype = value.constant->dtype();
      value.shape = value.constant->shape();
      continue;
    }
    require(i < specialisation.input_shapes.size(), ErrorCode::usage, "input '{}' has no shape", value.name);
    check_shape(graph, graph.inputs[i], specialisation.input_shapes[i]);
    value.shape = specialisation.input_shapes[i];
    if (!value.dtype) value.dtype = DType::f32;
  }
}

/// Whatever shapes a file claims for inner values may be wrong; the lowering knows.
void forget_inner_shapes(Graph& graph) {
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      graph[id].shape.reset();
      graph[id].dtype.reset();
    }
  }
}

void run_passes(Graph& graph, const PassOptions& options, const OpRegistry& ops, Backend& folder) {
  // Real models settle in two to five rounds; the bound keeps a mistake in a pass from hanging the program.
  constexpr int kMaxRounds = 50;
  bool changed = true;
  for (int round = 0; changed && round < kMaxRounds; ++round) {
    changed = false;
    for (const Pass& pass : all_passes()) {
      if (!pass.run(graph, options)) continue;
      infer_values(graph, ops, folder);
      changed = true;
    }
  }
  sign_analysis(graph, options);
}

}  // namespace

Graph specialise(const Graph& model, const Specialisation& specialisation, const PassOptions& options,
                 const OpRegistry& ops, Backend& folder) {
  Graph graph = model;
  graph.remove_dead_nodes();
  widen_halves(graph);
  forget_inner_shapes(graph);
  set_inputs(graph, specialisation);
  infer_values(graph, ops, folder);
  graph.remove_dead_nodes();
  run_passes(graph, options, ops, folder);
  return graph;
}

}  // namespace onnxray
