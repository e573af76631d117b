#include "onnx/sequences.h"

#include <algorithm>
#include <array>

#include "core/fail.h"

namespace onnxray {

namespace {

constexpr int64_t kOpset = 21;  ///< of the nodes written here

}  // namespace

bool is_sequence_op(std::string_view domain, std::string_view op) {
  constexpr std::array<std::string_view, 8> kAll{"SequenceAt",      "SequenceConstruct", "SequenceEmpty",
                                                 "SequenceErase",   "SequenceInsert",    "SequenceLength",
                                                 "SplitToSequence", "ConcatFromSequence"};
  return domain.empty() && std::ranges::find(kAll, op) != kAll.end();
}

bool Sequences::replace(const Node& node) {
  if (!is_sequence_op(node.domain, node.op)) {
    const auto found = std::ranges::find_if(node.inputs, [&](ValueId id) { return held_.contains(id); });
    if (found == node.inputs.end()) return false;
    require(node.op == "Identity" && node.domain.empty(), ErrorCode::unsupported,
            "{}: its input '{}' is a sequence of tensors; cut the model before it", node.describe(),
            graph_[*found].name);
    held_[node.outputs[0]] = Held(held_.at(*found));
    return true;
  }
  if (node.op == "SplitToSequence") {
    split(node);
  } else if (node.op == "ConcatFromSequence") {
    concat(node);
  } else if (node.op == "SequenceAt" || node.op == "SequenceLength") {
    read(node);
  } else {
    make(node);
  }
  return true;
}

void Sequences::check_outputs() const {
  for (const ValueId id : graph_.outputs) {
    const auto found = held_.find(id);
    require(found == held_.end(), ErrorCode::unsupported,
            "output '{}' is a sequence of {} tensors: only tensors can be outputs; cut the model before it",
            graph_[id].name, found == held_.end() ? 0 : found->second.size());
  }
}

const Sequences::Held& Sequences::held(const Node& node, size_t i) const {
  require(i < node.inputs.size(), ErrorCode::bad_file, "{}: its input {} is missing", node.describe(), i);
  const auto found = held_.find(node.inputs[i]);
  require(found != held_.end(), ErrorCode::unsupported,
          "{}: its input {} is no sequence made inside the model; export the model with tensors in its place",
          node.describe(), i);
  return found->second;
}

size_t Sequences::position(const Node& node, size_t i, size_t end) const {
  const Tensor* known = graph_.constant(node.inputs[i]);
  require(known && known->size() == 1, ErrorCode::unsupported,
          "{}: its position depends on the data; export the model with a fixed one", node.describe());
  const int64_t given = known->as_int64(0), wrapped = given < 0 ? given + static_cast<int64_t>(end) : given;
  require(wrapped >= 0 && wrapped <= static_cast<int64_t>(end), ErrorCode::bad_file,
          "{}: position {} in a sequence of {}", node.describe(), given, end);
  return static_cast<size_t>(wrapped);
}

ValueId Sequences::add(const Node& of, std::string op, std::vector<ValueId> inputs, Attributes attributes) {
  const ValueId result = graph_.add_value("");
  settle_({.op = std::move(op),
           .opset = kOpset,
           .domain = {},
           .attributes = std::move(attributes),
           .inputs = std::move(inputs),
           .outputs = {result},
           .origin = of.origin});
  return result;
}

ValueId Sequences::ints(const std::vector<int64_t>& values) {
  return graph_.add_constant("", Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

void Sequences::set(const Node& node, ValueId v) {
  settle_({.op = "Identity",
           .opset = kOpset,
           .domain = {},
           .attributes = {},
           .inputs = {v},
           .outputs = {node.outputs[0]},
           .origin = node.origin});
}

void Sequences::make(const Node& node) {
  Held list;
  if (node.op == "SequenceConstruct") {
    list = node.inputs;
  } else if (node.op != "SequenceEmpty") {
    list = held(node, 0);
    const bool inserts = node.op == "SequenceInsert";
    const size_t operand = inserts ? 2 : 1;
    const bool given = operand < node.inputs.size() && node.inputs[operand] != kNoValue;
    require(inserts || !list.empty(), ErrorCode::bad_file, "{}: the sequence is empty", node.describe());
    const size_t last = inserts ? list.size() : list.size() - 1;
    const size_t at = given ? position(node, operand, list.size()) : last;
    const auto place = list.begin() + static_cast<int64_t>(std::min(at, last));
    inserts ? void(list.insert(place, node.inputs.at(1))) : void(list.erase(place));
  }
  held_[node.outputs[0]] = std::move(list);
}

void Sequences::read(const Node& node) {
  const Held& list = held(node, 0);
  if (node.op == "SequenceLength")
    return set(node, graph_.add_constant("", Tensor::scalar(static_cast<int64_t>(list.size()))));
  require(node.inputs.size() > 1, ErrorCode::bad_file, "{}: its position is missing", node.describe());
  const size_t at = position(node, 1, list.size());
  require(at < list.size(), ErrorCode::bad_file, "{}: position {} in a sequence of {}", node.describe(), at,
          list.size());
  set(node, list[at]);
}

/// (x[, split]) -> parts along an axis: of extent 1, of one extent with a smaller rest, or of given extents.
void Sequences::split(const Node& node) {
  const ValueId x = node.inputs.at(0);
  const Shape shape = graph_[x].shape.value();
  const int64_t axis = normalise_axis(int_attribute(node, "axis", 0), shape.size());
  const int64_t extent = shape[static_cast<size_t>(axis)];
  const bool given = node.inputs.size() > 1 && node.inputs[1] != kNoValue;
  std::vector<int64_t> extents;
  if (given) {
    const Tensor* known = graph_.constant(node.inputs[1]);
    require(known != nullptr, ErrorCode::unsupported,
            "{}: its split depends on the data; export the model with a fixed one", node.describe());
    if (!known->shape().empty()) extents = known->to_int64s();
  }
  if (extents.empty()) {
    const int64_t each = given ? graph_.constant(node.inputs[1])->as_int64(0) : 1;
    require(each > 0, ErrorCode::bad_file, "{}: parts of extent {}", node.describe(), each);
    for (int64_t at = 0; at < extent; at += each) extents.push_back(std::min(each, extent - at));
  }
  const bool squeezes = !given && int_attribute(node, "keepdims", 1) == 0;
  Held parts;
  for (size_t i = 0; i < extents.size(); ++i) parts.push_back(graph_.add_value(""));
  if (!parts.empty()) {
    settle_({.op = "Split",
             .opset = kOpset,
             .domain = {},
             .attributes = {{"axis", axis}},
             .inputs = {x, ints(extents)},
             .outputs = parts,
             .origin = node.origin});
  }
  for (ValueId& part : parts) {
    if (squeezes) part = add(node, "Squeeze", {part, ints({axis})});
  }
  held_[node.outputs[0]] = std::move(parts);
}

void Sequences::concat(const Node& node) {
  Held parts = held(node, 0);
  require(!parts.empty(), ErrorCode::unsupported, "{}: an empty sequence has no shape", node.describe());
  const bool stacks = int_attribute(node, "new_axis", 0) != 0;
  const size_t rank = graph_[parts[0]].shape.value().size() + (stacks ? 1 : 0);
  const int64_t axis = normalise_axis(int_attribute(node, "axis", 0), rank);
  for (ValueId& part : parts) {
    if (stacks) part = add(node, "Unsqueeze", {part, ints({axis})});
  }
  set(node, parts.size() == 1 ? parts[0] : add(node, "Concat", parts, {{"axis", axis}}));
}

}  // namespace onnxray
