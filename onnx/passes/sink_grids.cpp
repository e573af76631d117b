#include <algorithm>

#include "onnx/passes/affine.h"
#include "onnx/passes/constants.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

using Doubles = std::vector<double>;

class Sinker {
 public:
  Sinker(Graph& graph, const PassOptions& options) : edit_(graph), graph_(graph), options_(options) {}

  bool run() {
    for (Node& node : graph_.nodes) {
      edit_.refresh(node);
      for (size_t i = 0; i < node.inputs.size() && node.domain.empty(); ++i) {
        const auto grid = grid_of(node.inputs[i]);
        if (grid && sink(node, i, *grid)) break;
      }
    }
    return edit_.apply();
  }

 private:
  /// A fixed grid that one node reads, and what it rounds.
  struct Grid {
    Node* round;
    const Node* saturate;  // or null
    ValueId x;
    std::optional<size_t> axis;  // of a layer's result that nothing else reads: it counts the layer's units
  };

  Node* own(ValueId id, std::string_view op) const {
    Node* node = edit_.producer(id);
    return node != nullptr && node->domain == "onnxray" && node->op == op ? node : nullptr;
  }

  std::optional<Grid> grid_of(ValueId y) const {
    Node* round = own(y, "RoundToGrid");
    if (round == nullptr || !edit_.used_once(y) || graph_.constant(round->input(1)) == nullptr ||
        int_attribute(*round, "block_size", 0) != 0)
      return std::nullopt;
    const Node* saturate = own(round->inputs[0], "Saturate");
    if (saturate != nullptr && !edit_.used_once(round->inputs[0])) return std::nullopt;
    const ValueId x = (saturate != nullptr ? saturate : round)->inputs[0];
    return Grid{round, saturate, x, edit_.used_once(x) ? unit_axis(x) : std::nullopt};
  }

  /// The axis that counts the units of a layer's result.
  std::optional<size_t> unit_axis(ValueId x) const {
    const Node* layer = edit_.producer(x);
    constexpr std::string_view kLayers[] = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
    const size_t rank = graph_[x].shape->size();
    if (layer == nullptr || rank < 2 || std::ranges::find(kLayers, layer->op) == std::end(kLayers))
      return std::nullopt;
    return layer->op == "MatMul" ? rank - 1 : 1;
  }

  bool sink(Node& node, size_t i, const Grid& grid) {
    if (node.op == "Relu") return holds_zero(*grid.round) && move(node, i, grid, {});
    // The largest value is rounded to the largest step. Before rounding there are no ties that hide which it
    // was.
    const bool picks = (node.op == "MaxPool" || node.op == "GlobalMaxPool") && node.outputs.size() == 1;
    if (picks) return move(node, i, grid, {});
    if (!grid.axis) return false;
    if (node.op == "BatchNormalization" && !options_.fold_batchnorm) return false;
    if (affine_operand(edit_, node) != i) return false;
    const int64_t units = (*graph_[node.inputs[i]].shape)[*grid.axis];
    const auto map = affine_of(edit_, node, {*grid.axis, 1}, units);
    return map && std::ranges::find(map->factor, 0.0) == map->factor.end() && move(node, i, grid, map);
  }

  /// Whether 0 is a step of the grid: then rounding and rectifying commute.
  bool holds_zero(const Node& round) const {
    const ValueId zero = round.input(2);
    const Tensor* steps = graph_.constant(zero);
    if (round.input(3) != kNoValue || (zero != kNoValue && steps == nullptr)) return false;
    const double low = float_attribute(round, "low", 0), high = float_attribute(round, "high", 255);
    const Doubles values = steps != nullptr ? steps->to_doubles() : Doubles{0};
    return std::ranges::all_of(values, [&](double z) { return low <= z && z <= high; });
  }

  /// The grid's operands behind the map: f (k - zero) scale + f offset + o.
  std::optional<std::vector<ValueId>> mapped(const Grid& grid, const Affine& map, const Shape& shape) {
    const Node& round = *grid.round;
    const Tensor scale = *graph_.constant(round.inputs[1]);  // a copy: new constants move the graph's values
    const size_t axis = grid.axis.value();
    const int64_t count = shape[axis];
    const bool same_axis =
        normalise_axis(int_attribute(round, "axis", 1), shape.size()) == static_cast<int64_t>(axis);
    if (scale.size() != 1 && (!same_axis || scale.size() != count)) return std::nullopt;
    // A zero point for each place of another axis would lose that axis.
    if (const ValueId zero = round.input(2);
        zero != kNoValue && element_count(*graph_[zero].shape) != 1 && !same_axis)
      return std::nullopt;
    Doubles offset(map.offset.size(), 0);
    if (round.input(3) != kNoValue) {
      const Tensor* old = graph_.constant(round.inputs[3]);
      const auto each = old != nullptr ? along_axis(*old, shape.size(), axis, count) : std::nullopt;
      if (!each) return std::nullopt;
      offset = *each;
    }
    Doubles scales;
    for (size_t k = 0; k < map.factor.size(); ++k) {
      scales.push_back(map.factor[k] * scale.as_double(scale.size() == 1 ? 0 : static_cast<int64_t>(k)));
      offset[k] = map.factor[k] * offset[k] + map.offset[k];
    }
    Shape along(shape.size() - axis, 1);
    along[0] = count;
    const std::string name = graph_[round.inputs[1]].name;
    return std::vector<ValueId>{edit_.add_constant(name, from_doubles(scale.dtype(), {count}, scales)),
                                round.input(2),
                                edit_.add_constant(name, from_doubles(scale.dtype(), along, offset))};
  }

  /// node(grid(x)) as grid(node(x)); without a map the grid stays as it is.
  bool move(Node& node, size_t i, const Grid& grid, const std::optional<Affine>& map) {
    const ValueId y = node.outputs[0];
    const Shape shape = *graph_[y].shape;
    const DType type = *graph_[y].dtype;
    std::vector<ValueId> operands(grid.round->inputs.begin() + 1, grid.round->inputs.end());
    Attributes attributes = grid.round->attributes;
    if (map) {
      auto of_map = mapped(grid, *map, shape);
      if (!of_map) return false;
      operands = std::move(*of_map);
      attributes["axis"] = static_cast<int64_t>(*grid.axis);
    }
    const Node& before = *(&node - 1);  // the grid is among those
    Node first = node;
    first.inputs[i] = grid.x;
    first.outputs = {edit_.add_value(graph_[y].name + "/real", type, shape)};
    ValueId x = first.outputs[0];
    edit_.insert_after(before, std::move(first));
    const auto over = [&](ValueId v) {
      std::vector<ValueId> inputs{v};
      inputs.insert(inputs.end(), operands.begin(), operands.end());
      return inputs;
    };
    if (grid.saturate != nullptr) {
      Node saturate{.op = "Saturate",
                    .opset = 1,
                    .domain = "onnxray",
                    .attributes = attributes,
                    .inputs = over(x),
                    .outputs = {edit_.add_value(graph_[y].name + "/Saturate", type, shape)},
                    .origin = grid.saturate->origin};
      x = saturate.outputs[0];
      edit_.insert_after(before, std::move(saturate));
    }
    // The layer goes by the node's names, the grid by its own.
    node.origin = {};
    edit_.rewrite(node, "RoundToGrid", 1, over(x), std::move(attributes));
    node.domain = "onnxray";
    return true;
  }

  GraphEdit edit_;
  Graph& graph_;
  const PassOptions& options_;
};

}  // namespace

/// A grid between a layer and what belongs to it (a bias, a scale, BatchNormalization, Relu) moves behind
/// that, with its steps moved likewise: the same numbers, and the layer is whole for what folds and explains
/// it.
bool sink_grids(Graph& graph, const PassOptions& options) { return Sinker(graph, options).run(); }

}  // namespace onnxray
