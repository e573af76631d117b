#include "rules/embeddings.h"

#include <algorithm>

namespace onnxray {

namespace {

bool is_one_of(std::initializer_list<std::string_view> names, const Node& node) {
  return node.domain.empty() && std::ranges::find(names, node.op) != names.end();
}

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), moving_(graph.values.size(), false) {
    for (const InputInfo& input : graph.inputs) moving_[at(input.value)] = !graph.constant(input.value);
    for (const Node& node : graph.nodes) {
      const bool moves = std::ranges::any_of(node.inputs, [&](ValueId id) { return moves_(id); });
      for (const ValueId id : node.outputs) {
        if (id != kNoValue) moving_[at(id)] = moves;
      }
    }
  }

  std::vector<Embedding> run() const {
    std::vector<Embedding> found;
    for (const Node& node : graph_.nodes) {
      if (is_table(node) && !modulates(node.outputs[0]))
        found.push_back({node.outputs[0], source(node.inputs[1])});
    }
    return found;
  }

 private:
  static size_t at(ValueId id) { return static_cast<size_t>(id); }
  bool moves_(ValueId id) const { return id != kNoValue && moving_[at(id)]; }

  bool is_table(const Node& node) const {
    if (!is_one_of({"Gather"}, node) || int_attribute(node, "axis", 0) != 0) return false;
    const Tensor* table = graph_.constant(node.inputs[0]);
    return table != nullptr && is_floating(table->dtype()) && table->shape().size() >= 2 &&
           moves_(node.inputs[1]);
  }

  /// Whether the value, moved and cast, meets another that depends on the model's inputs in a product.
  bool modulates(ValueId rows) const {
    std::vector<bool> reached(graph_.values.size(), false);
    reached[at(rows)] = true;
    for (const Node& node : graph_.nodes) {
      const auto is_reached = [&](ValueId id) { return id != kNoValue && reached[at(id)]; };
      if (std::ranges::none_of(node.inputs, is_reached)) continue;
      if (is_one_of({"Mul", "Div", "MatMul", "RotaryEmbedding"}, node) &&
          std::ranges::any_of(node.inputs, [&](ValueId id) { return moves_(id) && !is_reached(id); }))
        return true;
      const bool moved = is_one_of({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Expand",
                                    "Identity", "Cast", "Split", "Slice", "Concat", "Tile", "Dropout"},
                                   node);
      for (const ValueId id : node.outputs) {
        if (moved && id != kNoValue) reached[at(id)] = true;
      }
    }
    return false;
  }

  /// The graph input of which the index is a rearrangement in the same order, else the index itself.
  ValueId source(ValueId index) const {
    const auto producers = graph_.producers();
    for (ValueId id = index;;) {
      const int32_t p = producers[at(id)];
      if (p < 0) return id;
      const Node& node = graph_.nodes[static_cast<size_t>(p)];
      if (!is_one_of({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Clip"}, node))
        return index;
      id = node.inputs[0];
    }
  }

  const Graph& graph_;
  std::vector<bool> moving_;
};

}  // namespace

std::vector<Embedding> find_embeddings(const Graph& graph) { return Finder(graph).run(); }

}  // namespace onnxray
