#include "onnx/passes/edit.h"

#include <algorithm>
#include <numeric>

namespace onnxray {

namespace {

template <class T>
size_t at(T i) {
  return static_cast<size_t>(i);
}

void append_new(std::vector<std::string>& into, const std::vector<std::string>& from) {
  for (const std::string& s : from) {
    if (std::ranges::find(into, s) == into.end()) into.push_back(s);
  }
}

}  // namespace

void merge_origin(Origin& into, const Origin& from) {
  append_new(into.names, from.names);
  append_new(into.scopes, from.scopes);
}

GraphEdit::GraphEdit(Graph& g) : graph(g), uses_(g.use_counts()) {
  grow();
  for (Node& node : g.nodes) {
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) producers_[at(id)] = &node;
    }
  }
}

void GraphEdit::grow() {
  const size_t known = forwarded_.size();
  producers_.resize(graph.values.size(), nullptr);
  uses_.resize(graph.values.size(), 0);
  forwarded_.resize(graph.values.size());
  std::iota(forwarded_.begin() + static_cast<std::ptrdiff_t>(known), forwarded_.end(),
            static_cast<ValueId>(known));
}

Node* GraphEdit::producer(ValueId id) const { return id == kNoValue ? nullptr : producers_[at(id)]; }

Node* GraphEdit::producer(ValueId id, std::string_view op) const {
  Node* node = producer(id);
  return node != nullptr && node->op == op && node->domain.empty() ? node : nullptr;
}

ValueId GraphEdit::current(ValueId id) const {
  while (id != kNoValue && forwarded_[at(id)] != id) id = forwarded_[at(id)];
  return id;
}

void GraphEdit::refresh(Node& node) const {
  for (ValueId& id : node.inputs) id = current(id);
}

bool GraphEdit::bypass(Node& node, ValueId x) {
  const ValueId y = node.outputs[0];
  Node* source = producer(x);
  const bool is_output = graph.is_graph_output(y);
  if (is_output && (source == nullptr || graph.is_graph_output(x))) return false;
  if (source != nullptr) merge_origin(source->origin, node.origin);
  for (const ValueId id : node.inputs) {
    if (id != kNoValue) --uses_[at(current(id))];
  }
  // An output keeps its id: then the producer of x writes y directly.
  const auto [from, to] = is_output ? std::pair{x, y} : std::pair{y, x};
  uses_[at(to)] += uses_[at(from)];
  uses_[at(from)] = 0;
  forwarded_[at(from)] = to;
  if (is_output) std::ranges::replace(source->outputs, x, y);
  producers_[at(to)] = source;
  producers_[at(from)] = source;
  node.inputs.clear();
  node.outputs.clear();
  changed_ = true;
  return true;
}

void GraphEdit::release(ValueId released, Origin& heir) {
  std::vector<ValueId> pending{released};
  while (!pending.empty()) {
    const ValueId id = current(pending.back());
    pending.pop_back();
    if (id == kNoValue || --uses_[at(id)] > 0) continue;
    Node* node = producer(id);
    if (node == nullptr) continue;
    const auto is_read = [&](ValueId output) { return output != kNoValue && !unused(output); };
    if (std::ranges::any_of(node->outputs, is_read)) continue;
    merge_origin(heir, node->origin);
    pending.insert(pending.end(), node->inputs.begin(), node->inputs.end());
    node->inputs.clear();
    node->outputs.clear();
  }
}

void GraphEdit::rewrite(Node& node, std::string_view op, int64_t opset, std::vector<ValueId> inputs,
                        Attributes attributes) {
  for (const ValueId id : inputs) {
    if (id != kNoValue) ++uses_[at(id)];
  }
  node.op = op;
  node.domain.clear();
  node.opset = opset;
  node.inputs.swap(inputs);
  node.attributes = std::move(attributes);
  node.outputs.resize(1);
  for (const ValueId id : inputs) release(id, node.origin);
  changed_ = true;
}

void GraphEdit::set_input(Node& node, size_t i, ValueId id) {
  if (node.inputs.size() <= i) node.inputs.resize(i + 1, kNoValue);
  if (node.inputs[i] != kNoValue) --uses_[at(current(node.inputs[i]))];
  if (id != kNoValue) ++uses_[at(id)];
  node.inputs[i] = id;
  changed_ = true;
}

ValueId GraphEdit::add_value(std::string name, DType dtype, Shape shape) {
  const ValueId id = graph.add_value(std::move(name));
  graph[id].dtype = dtype;
  graph[id].shape = std::move(shape);
  grow();
  return id;
}

ValueId GraphEdit::add_constant(std::string name, Tensor value) {
  const ValueId id = graph.add_constant(std::move(name), std::move(value));
  grow();
  return id;
}

Node& GraphEdit::insert_after(const Node& anchor, Node node) {
  for (const ValueId id : node.inputs) {
    if (id != kNoValue) ++uses_[at(id)];
  }
  insert_index_.push_back(static_cast<size_t>(&anchor - graph.nodes.data()));
  Node& added = inserted_.emplace_back(std::move(node));
  for (const ValueId id : added.outputs) {
    if (id != kNoValue) producers_[at(id)] = &added;
  }
  changed_ = true;
  return added;
}

bool GraphEdit::apply() {
  if (!changed_) return false;
  if (!inserted_.empty()) {
    std::vector<size_t> order(inserted_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return insert_index_[i]; });
    std::vector<Node> nodes;
    nodes.reserve(graph.nodes.size() + inserted_.size());
    auto next = order.begin();
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      nodes.push_back(std::move(graph.nodes[n]));
      for (; next != order.end() && insert_index_[*next] == n; ++next)
        nodes.push_back(std::move(inserted_[*next]));
    }
    graph.nodes = std::move(nodes);
  }
  for (Node& node : graph.nodes) refresh(node);
  graph.remove_dead_nodes();
  return true;
}

}  // namespace onnxray
