#include "methods/head_search.h"

#include <algorithm>

#include "methods/moved_axes.h"

namespace onnxray {

namespace {

bool moves_entries(const Node& node) {
  if (node.op == "Resize") return string_attribute(node, "mode", "nearest") == "nearest";
  return node.is_one_of({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split",
                         "Gather", "GatherElements", "GatherND", "DepthToSpace", "SpaceToDepth", "Expand",
                         "Tile"});
}

}  // namespace

std::optional<HeadSearch::Found> HeadSearch::find(ValueId value) {
  // Real models end in a handful of such nodes; a file made to be deep must not overflow the stack.
  constexpr int kMaxDepth = 200;
  const int32_t n = producers_[static_cast<size_t>(value)];
  if (n < 0 || depth_ > kMaxDepth) return std::nullopt;
  const auto known = found_.find(value);
  if (known != found_.end()) return known->second;
  ++depth_;
  const Node node = graph_.nodes[static_cast<size_t>(n)];  // a value: copies that are added move the nodes
  const std::optional<Found> found = at(node, value);
  --depth_;
  found_.emplace(value, found);
  return found;
}

std::optional<HeadSearch::Found> HeadSearch::at(const Node& node, ValueId value) {
  if (node.domain == "onnxray" && node.is_one_of({"RoundToGrid", "Saturate"})) return find(node.inputs[0]);
  if (!node.domain.empty()) return std::nullopt;
  if (node.is_one_of({"Softmax", "LogSoftmax"}))
    return Found{Head::Kind::softmax, node.op == "LogSoftmax", node.inputs[0], softmax_axes(node)};
  if (node.is_one_of({"Sigmoid", "HardSigmoid"})) return Found{Head::Kind::sigmoid, false, node.inputs[0]};
  if (node.is_one_of({"Identity", "Dropout", "QuantizeLinear", "DequantizeLinear"}))
    return find(node.inputs[0]);
  if (node.op == "Cast") return after_cast(node);
  if (node.op == "Clip") return after_clip(node);
  if (node.op == "Log") return after_log(node);
  if (node.op == "Sub") return after_complement(node);
  if (node.op == "Concat") return after_concat(node);
  if (node.is_one_of({"TopK", "ReduceMax"})) return after_choice(node, value);
  return moves_entries(node) ? after_move(node, value) : std::nullopt;
}

std::vector<int64_t> HeadSearch::softmax_axes(const Node& node) const {
  return {normalise_axis(int_attribute(node, "axis", -1), shape(node.outputs[0]).size())};
}

std::optional<HeadSearch::Found> HeadSearch::after_cast(const Node& node) {
  const bool real = is_floating(*graph_[node.inputs[0]].dtype) && is_floating(*graph_[node.outputs[0]].dtype);
  return real ? find(node.inputs[0]) : std::nullopt;
}

/// Bounds that only keep a probability from 0 and 1, for a logarithm of it.
std::optional<HeadSearch::Found> HeadSearch::after_clip(const Node& node) {
  constexpr double kMargin = 0.01;
  const auto bound = [&](std::string_view name, size_t i, double otherwise) -> std::optional<double> {
    if (has_attribute(node, name)) return float_attribute(node, name, otherwise);
    if (i >= node.inputs.size() || node.inputs[i] == kNoValue) return otherwise;
    const Tensor* constant = graph_.constant(node.inputs[i]);
    return constant != nullptr && constant->size() == 1 ? std::optional(constant->as_double(0))
                                                        : std::nullopt;
  };
  const auto low = bound("min", 1, 0), high = bound("max", 2, 1);
  if (!low || !high || *low > kMargin || *high < 1 - kMargin) return std::nullopt;
  auto found = find(node.inputs[0]);
  return found && found->is_whole && !found->logarithm ? found : std::nullopt;
}

/// log(sigmoid(x))
std::optional<HeadSearch::Found> HeadSearch::after_log(const Node& node) {
  auto found = find(node.inputs[0]);
  if (!found || !found->is_whole || found->logarithm) return std::nullopt;
  found->logarithm = true;
  return found;
}

/// 1 - sigmoid(x) = sigmoid(-x)
std::optional<HeadSearch::Found> HeadSearch::after_complement(const Node& node) {
  const Tensor* one = graph_.constant(node.inputs[0]);
  if (one == nullptr || one->size() != 1 || one->as_double(0) != 1) return std::nullopt;
  auto found = find(node.inputs[1]);
  const bool fits = found && found->kind == Head::Kind::sigmoid && !found->logarithm && found->is_whole &&
                    shape(node.outputs[0]) == shape(found->logits);
  if (!fits) return std::nullopt;
  Node neg;
  neg.op = "Neg";
  neg.opset = 13;
  neg.inputs = {found->logits};
  neg.outputs = {node.outputs[0]};
  found->logits = copy(std::move(neg), node.outputs[0]);
  return found;
}

std::optional<HeadSearch::Found> HeadSearch::after_concat(const Node& node) {
  std::vector<std::optional<Found>> parts;
  for (const ValueId input : node.inputs) parts.push_back(find(input));
  const auto first = std::ranges::find_if(parts, [](const auto& part) { return part.has_value(); });
  if (first == parts.end()) return std::nullopt;
  Found all = **first;
  Node moved = node;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto& part = parts[i];
    all.is_whole = all.is_whole && part && part->is_whole && part->kind == all.kind &&
                   part->logarithm == all.logarithm && part->axes == all.axes;
    if (part) moved.inputs[i] = part->logits;
  }
  const auto dtype = graph_[moved.inputs[0]].dtype;
  if (std::ranges::any_of(moved.inputs, [&](ValueId id) { return graph_[id].dtype != dtype; }))
    return std::nullopt;
  const int64_t axis = normalise_axis(int_attribute(node, "axis", 0), shape(node.outputs[0]).size());
  if (!all.is_whole || std::ranges::find(all.axes, axis) != all.axes.end()) all.axes.clear();
  all.logits = copy(std::move(moved), node.outputs[0]);
  return all;
}

/// What grows with the probability chooses the same entries: the logit, along the axis of its softmax.
std::optional<HeadSearch::Found> HeadSearch::after_choice(const Node& node, ValueId value) {
  auto found = find(node.inputs[0]);
  if (!found || value != node.outputs[0] || !found->is_whole) return std::nullopt;
  if (found->kind == Head::Kind::softmax) {
    const Shape others = without_axes(shape(node.inputs[0]), found->axes), &to = shape(value);
    const bool along_classes =
        found->axes.size() == 1 && (to == others || without_axes(to, found->axes) == others);
    if (!along_classes) return std::nullopt;
    found->axes.clear();
  }
  Node chosen = node;
  chosen.inputs[0] = found->logits;
  found->logits = copy(std::move(chosen), value);
  return found;
}

std::optional<HeadSearch::Found> HeadSearch::after_move(const Node& node, ValueId value) {
  auto found = find(node.inputs[0]);
  if (!found) return std::nullopt;
  found->axes = moved_axes(graph_, node, value, std::move(found->axes));
  Node moved = node;
  moved.inputs[0] = found->logits;
  found->logits = copy(std::move(moved), value);
  return found;
}

/// Adds the node with outputs of its own; the one that stands for `value`.
ValueId HeadSearch::copy(Node node, ValueId value) {
  ValueId result = kNoValue;
  for (ValueId& id : node.outputs) {
    if (id == kNoValue) continue;
    const Value original = graph_[id];
    const bool is_real = original.dtype && is_floating(*original.dtype);
    const ValueId own = graph_.add_value(original.name + "/logits");
    graph_[own].shape = original.shape;
    graph_[own].dtype = is_real || id == value ? graph_[node.inputs[0]].dtype : original.dtype;
    if (id == value) result = own;
    id = own;
  }
  producers_.resize(graph_.values.size(), -1);
  node.origin = {{graph_[result].name}, {}};
  graph_.nodes.push_back(std::move(node));
  return result;
}

}  // namespace onnxray
