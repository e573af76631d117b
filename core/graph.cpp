#include "core/graph.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

bool Node::is_one_of(std::initializer_list<std::string_view> names) const {
  return std::ranges::find(names, op) != names.end();
}

bool keeps_order(const Node& node) { return node.is_one_of({"Reshape", "Flatten", "Squeeze", "Unsqueeze"}); }

std::string Node::describe() const {
  return fmt::format("{}{}{}-{} '{}'", domain, domain.empty() ? "" : ".", op, opset,
                     origin.names.empty() ? "?" : origin.names.front());
}

ValueId Graph::add_value(std::string name) {
  values.push_back({.name = std::move(name), .dtype = {}, .shape = {}, .constant = {}});
  return static_cast<ValueId>(values.size()) - 1;
}

ValueId Graph::add_constant(std::string name, Tensor value) {
  const ValueId id = add_value(std::move(name));
  (*this)[id].dtype = value.dtype();
  (*this)[id].shape = value.shape();
  (*this)[id].constant = std::move(value);
  return id;
}

const Tensor* Graph::constant(ValueId id) const {
  if (id == kNoValue || !(*this)[id].constant) return nullptr;
  return &*(*this)[id].constant;
}

bool Graph::is_graph_output(ValueId id) const { return std::ranges::find(outputs, id) != outputs.end(); }

std::vector<int32_t> Graph::producers() const {
  std::vector<int32_t> result(values.size(), -1);
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const ValueId id : nodes[n].outputs) {
      if (id != kNoValue) result[static_cast<size_t>(id)] = static_cast<int32_t>(n);
    }
  }
  return result;
}

std::vector<int32_t> Graph::use_counts() const {
  std::vector<int32_t> counts(values.size(), 0);
  for (const Node& node : nodes) {
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) ++counts[static_cast<size_t>(id)];
    }
  }
  for (const ValueId id : outputs) ++counts[static_cast<size_t>(id)];
  return counts;
}

void Graph::replace_uses(ValueId from, ValueId to) {
  for (Node& node : nodes) std::ranges::replace(node.inputs, from, to);
  std::ranges::replace(outputs, from, to);
}

void Graph::remove_dead_nodes() {
  std::vector<bool> needed(values.size(), false);
  for (const ValueId id : outputs) needed[static_cast<size_t>(id)] = true;
  std::vector<bool> keep(nodes.size(), false);
  for (size_t n = nodes.size(); n-- > 0;) {
    keep[n] = std::ranges::any_of(
        nodes[n].outputs, [&](ValueId id) { return id != kNoValue && needed[static_cast<size_t>(id)]; });
    if (!keep[n]) continue;
    for (const ValueId id : nodes[n].inputs) {
      if (id != kNoValue) needed[static_cast<size_t>(id)] = true;
    }
  }
  size_t n = 0;
  std::erase_if(nodes, [&](const Node&) { return !keep[n++]; });
}

void Graph::sort_nodes() {
  const auto producer = producers();
  enum class Mark : uint8_t { unseen, open, done };
  std::vector<Mark> marks(nodes.size(), Mark::unseen);
  std::vector<size_t> order;
  order.reserve(nodes.size());
  // Depth-first with an explicit stack: a hostile file must not overflow ours.
  std::vector<std::pair<size_t, size_t>> stack;
  for (size_t root = 0; root < nodes.size(); ++root) {
    if (marks[root] != Mark::unseen) continue;
    stack.emplace_back(root, 0);
    marks[root] = Mark::open;
    while (!stack.empty()) {
      auto& [n, next] = stack.back();
      if (next == nodes[n].inputs.size()) {
        marks[n] = Mark::done;
        order.push_back(n);
        stack.pop_back();
        continue;
      }
      const ValueId input = nodes[n].inputs[next++];
      const int32_t p = input == kNoValue ? -1 : producer[static_cast<size_t>(input)];
      if (p < 0 || marks[static_cast<size_t>(p)] == Mark::done) continue;
      require(marks[static_cast<size_t>(p)] == Mark::unseen, ErrorCode::bad_file,
              "the graph has a cycle through node {}", nodes[n].describe());
      marks[static_cast<size_t>(p)] = Mark::open;
      stack.emplace_back(static_cast<size_t>(p), 0);
    }
  }
  std::vector<Node> sorted;
  sorted.reserve(nodes.size());
  for (const size_t n : order) sorted.push_back(std::move(nodes[n]));
  nodes = std::move(sorted);
}

namespace {

std::string attribute_text(const Attribute& attribute) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, Tensor>)
          return fmt::format("{}{}", name_of(v.dtype()), to_string(v.shape()));
        else if constexpr (std::is_same_v<T, Subgraph>)
          return fmt::format("({} nodes)", v->nodes.size());
        else
          return fmt::format("{}", v);
      },
      attribute);
}

std::string value_text(const Graph& graph, ValueId id) {
  if (id == kNoValue) return "_";
  const Value& value = graph[id];
  std::string text = value.name.empty() ? fmt::format("%{}", id) : value.name;
  if (value.dtype) text += fmt::format(":{}", name_of(*value.dtype));
  if (value.shape) text += to_string(*value.shape);
  return text;
}

}  // namespace

std::string Graph::to_text() const {
  std::string text;
  for (const Node& node : nodes) {
    std::vector<std::string> ins, outs, attrs;
    for (const ValueId id : node.inputs) ins.push_back(id == kNoValue ? "_" : (*this)[id].name);
    for (const ValueId id : node.outputs) outs.push_back(value_text(*this, id));
    for (const auto& [name, attribute] : node.attributes)
      attrs.push_back(fmt::format("{}={}", name, attribute_text(attribute)));
    text += fmt::format("{} = {}({}){}{}\n", fmt::join(outs, ", "), node.op, fmt::join(ins, ", "),
                        attrs.empty() ? "" : " ", fmt::join(attrs, " "));
  }
  return text;
}

namespace {

template <class T>
const T* find_attribute(const Node& node, std::string_view name) {
  const auto it = node.attributes.find(name);
  if (it == node.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&it->second);
  require(value != nullptr, ErrorCode::bad_file, "attribute '{}' of {} has the wrong type", name,
          node.describe());
  return value;
}

}  // namespace

void require_within(const Bounds& bounds, std::span<const int64_t> values, std::string_view what) {
  for (const int64_t value : values) {
    require(value >= bounds.lowest && value <= bounds.highest, ErrorCode::bad_file,
            "{} has an entry {}; it must be in [{}, {}]", what, value, bounds.lowest, bounds.highest);
  }
}

int64_t int_attribute(const Node& node, std::string_view name, int64_t fallback, const Bounds& bounds) {
  const auto* value = find_attribute<int64_t>(node, name);
  if (value == nullptr) return fallback;
  require(*value >= bounds.lowest && *value <= bounds.highest, ErrorCode::bad_file,
          "attribute '{}' is {}; it must be in [{}, {}]", name, *value, bounds.lowest, bounds.highest);
  return *value;
}

double float_attribute(const Node& node, std::string_view name, double fallback) {
  const auto* value = find_attribute<double>(node, name);
  return value ? *value : fallback;
}

std::string string_attribute(const Node& node, std::string_view name, std::string_view fallback) {
  const auto* value = find_attribute<std::string>(node, name);
  return value ? *value : std::string(fallback);
}

std::vector<int64_t> ints_attribute(const Node& node, std::string_view name, const Bounds& bounds) {
  const auto* value = find_attribute<std::vector<int64_t>>(node, name);
  if (value == nullptr) return {};
  require_within(bounds, *value, fmt::format("attribute '{}'", name));
  return *value;
}

std::vector<int64_t> ints_for_each(const Node& node, std::string_view name, size_t count, int64_t fallback,
                                   const Bounds& bounds) {
  std::vector<int64_t> values = ints_attribute(node, name, bounds);
  if (values.empty()) values.assign(count, fallback);
  require(values.size() == count, ErrorCode::bad_file, "attribute '{}' has {} entries, expected {}", name,
          values.size(), count);
  return values;
}

std::vector<double> floats_attribute(const Node& node, std::string_view name) {
  const auto* value = find_attribute<std::vector<double>>(node, name);
  return value ? *value : std::vector<double>{};
}

const Tensor* tensor_attribute(const Node& node, std::string_view name) {
  return find_attribute<Tensor>(node, name);
}

const Body& body_attribute(const Node& node, std::string_view name) {
  const auto* value = find_attribute<Subgraph>(node, name);
  require(value != nullptr && *value != nullptr, ErrorCode::bad_file, "{} has no graph '{}'", node.describe(),
          name);
  return **value;
}

bool has_attribute(const Node& node, std::string_view name) {
  return node.attributes.find(name) != node.attributes.end();
}

}  // namespace onnxray
