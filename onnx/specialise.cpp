#include "onnx/specialise.h"

#include <algorithm>

#include "core/fail.h"
#include "onnx/infer.h"
#include "onnx/integral_doubles.h"
#include "onnx/rebatch.h"

namespace onnxray {

namespace {

/// Walks back from the operands that decide shapes to the values that those are computed from.
class BoundValues {
 public:
  BoundValues(const Graph& graph, const OpRegistry& ops) : ops_(ops), bound_(graph.values.size(), false) {
    walk(graph.nodes);
  }
  bool operator[](ValueId id) const { return bound_[static_cast<size_t>(id)]; }

 private:
  void mark(ValueId id) {
    if (id != kNoValue) bound_[static_cast<size_t>(id)] = true;
  }
  bool any(const std::vector<ValueId>& values) const {
    return std::ranges::any_of(values, [&](ValueId id) { return id != kNoValue && (*this)[id]; });
  }
  void mark_all(const std::vector<ValueId>& values) {
    for (const ValueId id : values) mark(id);
  }

  void walk(const std::vector<Node>& nodes) {
    for (size_t n = nodes.size(); n-- > 0;) {
      const Node& node = nodes[n];
      if (const OpDef* op = ops_.find(node.domain, node.op)) {
        for (const int i : op->shape_operands) {
          if (static_cast<size_t>(i) < node.inputs.size()) mark(node.inputs[static_cast<size_t>(i)]);
        }
      }
      for (const auto& [name, attribute] : node.attributes) {
        if (const auto* body = std::get_if<Subgraph>(&attribute)) walk_body(node, **body);
      }
      if (node.op == "Shape" || node.op == "Size") continue;
      if (any(node.outputs)) mark_all(node.inputs);
    }
  }

  void walk_body(const Node& node, const Body& body) {
    if (any(node.outputs)) mark_all(body.outputs);
    // A loop's continuation is the first thing that its body returns.
    if (node.op == "Loop" && !body.outputs.empty()) mark(body.outputs[0]);
    walk(body.nodes);
    if (!any(body.inputs)) return;
    // What one trip of a loop needs, the trip before it returns.
    mark_all(body.outputs);
    walk(body.nodes);
    mark_all(node.inputs);
  }

  const OpRegistry& ops_;
  std::vector<bool> bound_;
};

/// Values that the outputs are computed from otherwise than as a shape operand. A real input among them is
/// what a user explains: it is not bound, and what would need its value is refused.
std::vector<bool> read_as_data(const Graph& graph, const OpRegistry& ops) {
  std::vector<bool> data(graph.values.size(), false);
  for (const ValueId id : graph.outputs) data[static_cast<size_t>(id)] = true;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    const bool read = std::ranges::any_of(
        node.outputs, [&](ValueId id) { return id != kNoValue && data[static_cast<size_t>(id)]; });
    if (!read || node.op == "Shape" || node.op == "Size") continue;
    const OpDef* op = ops.find(node.domain, node.op);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const bool shape =
          op && std::ranges::find(op->shape_operands, static_cast<int>(i)) != op->shape_operands.end();
      if (!shape && node.inputs[i] != kNoValue) data[static_cast<size_t>(node.inputs[i])] = true;
    }
  }
  return data;
}

}  // namespace

std::vector<ValueId> bound_inputs(const Graph& graph, const OpRegistry& ops) {
  const BoundValues bound(graph, ops);
  const std::vector<bool> data = read_as_data(graph, ops);
  std::vector<ValueId> result;
  for (const InputInfo& input : graph.inputs) {
    const auto dtype = graph[input.value].dtype;
    if (dtype && is_floating(*dtype) && data[static_cast<size_t>(input.value)]) continue;
    if (bound[input.value] && graph.constant(input.value) == nullptr) result.push_back(input.value);
  }
  return result;
}

namespace {

/// What values of `dtype` are held as: half precision never, and double where reals are `single`.
DType held_as(DType dtype, bool single) {
  return single && dtype == DType::f64 ? DType::f32 : widened(dtype);
}

void convert_attributes(Node& node, bool single) {
  constexpr int64_t kOnnxFloat = 1, kOnnxHalf = 10, kOnnxDouble = 11, kOnnxBfloat16 = 16;
  for (auto& [name, attribute] : node.attributes) {
    const int64_t* type = std::get_if<int64_t>(&attribute);
    const bool is_type = type != nullptr && (name == "to" || name == "dtype");
    if (is_type && (*type == kOnnxHalf || *type == kOnnxBfloat16 || (single && *type == kOnnxDouble)))
      attribute = kOnnxFloat;
    if (const Tensor* t = std::get_if<Tensor>(&attribute); t && t->dtype() != held_as(t->dtype(), single))
      attribute = t->to(DType::f32);
    if (const Subgraph* body = std::get_if<Subgraph>(&attribute)) {
      auto wide = std::make_shared<Body>(**body);
      for (Node& inner : wide->nodes) convert_attributes(inner, single);
      attribute = Subgraph(std::move(wide));
    }
  }
}

/// Half precision becomes f32, and double where reals are `single`: casts to it and constants in it, too.
void convert_reals(Graph& graph, bool single) {
  for (Value& value : graph.values) {
    if (value.constant && value.constant->dtype() != held_as(value.constant->dtype(), single))
      value.constant = value.constant->to(DType::f32);
    if (value.dtype) value.dtype = held_as(*value.dtype, single);
  }
  for (Node& node : graph.nodes) convert_attributes(node, single);
}

/// Where the image that was given would fit with its channels elsewhere: what to do.
std::string layout_advice(const InputInfo& input, const Shape& shape) {
  if (shape.size() != 4) return {};
  const auto fits = [&](const Shape& other) {
    for (size_t i = 1; i < other.size(); ++i) {
      const int64_t* fixed = std::get_if<int64_t>(&input.extents[i]);
      if (fixed != nullptr && *fixed != other[i]) return false;
    }
    return true;
  };
  const Shape channels_first{shape[0], shape[3], shape[1], shape[2]},
      channels_last{shape[0], shape[2], shape[3], shape[1]};
  if (fits(channels_first))
    return fmt::format("; the model takes channels first (NCHW): transpose it to {}",
                       to_string(channels_first));
  if (fits(channels_last))
    return fmt::format("; the model takes channels last (NHWC): transpose it to {}",
                       to_string(channels_last));
  return {};
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
            "input '{}' needs extent {} on axis {}, but a tensor {} was given{}", name,
            fixed != nullptr ? *fixed : 0, i, to_string(shape), layout_advice(input, shape));
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

bool computes_in_double(const Graph& graph) {
  const auto is_double = [&](ValueId id) { return id != kNoValue && graph[id].dtype == DType::f64; };
  return std::ranges::any_of(graph.nodes, [&](const Node& node) {
    return std::ranges::any_of(node.inputs, is_double) || std::ranges::any_of(node.outputs, is_double);
  });
}

/// Doubles become floats, except where they carry integers.
void narrow_doubles(Graph& graph, const OpRegistry& ops, Backend& folder, GrowthBudget& budget) {
  keep_integers_exact(graph);
  if (computes_in_double(graph))
    assume(graph.assumptions, {"precision", "float32", "the model computes in double", "precision"});
  convert_reals(graph, true);
  forget_inner_shapes(graph);
  infer_values(graph, ops, folder, budget);
  graph.remove_dead_nodes();
}

void run_passes(Graph& graph, const PassOptions& options, const OpRegistry& ops, Backend& folder,
                GrowthBudget& budget) {
  // Real models settle in two to five rounds; the bound keeps a mistake in a pass from hanging the program.
  constexpr int kMaxRounds = 50;
  bool changed = true;
  for (int round = 0; changed && round < kMaxRounds; ++round) {
    changed = false;
    for (const Pass& pass : all_passes()) {
      if (!pass.run(graph, options)) continue;
      infer_values(graph, ops, folder, budget);
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
  convert_reals(graph, false);
  forget_inner_shapes(graph);
  set_inputs(graph, specialisation);
  GrowthBudget budget(specialisation.max_growth);
  infer_values(graph, ops, folder, budget, specialisation.observer);
  graph.remove_dead_nodes();
  if (specialisation.single && computes_in_double(graph)) narrow_doubles(graph, ops, folder, budget);
  // Before the passes: to them an axis of extent 1 may stand anywhere.
  if (specialisation.samples > 1) rebatch(graph, specialisation.sample_axes, specialisation.samples, ops);
  PassOptions given = options;
  given.folder = &folder;
  given.imported = &model;
  run_passes(graph, given, ops, folder, budget);
  return graph;
}

}  // namespace onnxray
