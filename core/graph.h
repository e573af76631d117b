#pragma once

#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/assumption.h"
#include "core/tensor.h"

namespace onnxray {

/// Index of a value in a Graph; kNoValue stands for an omitted optional input or output.
using ValueId = int32_t;
constexpr ValueId kNoValue = -1;

/// A four-point lattice: what is known about the sign of every element.
enum class SignFact : uint8_t { unknown, non_negative, non_positive, zero };

struct Body;
/// What an If, Loop or Scan holds: shared by the graph's copies and never edited.
using Subgraph = std::shared_ptr<const Body>;

using Attribute = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<std::string>, Tensor, Subgraph>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// Where a node came from. A node that replaces others keeps all their names and module paths.
struct Origin {
  std::vector<std::string> names;   ///< ONNX node names, then output names, the node's own first
  std::vector<std::string> scopes;  ///< torch module paths, outermost first, e.g. "layer1.0.conv1"
};

/// One operation. `op` is an ONNX operator name or one that a pass re-fused (both are in ops/registry).
struct Node {
  std::string op;
  int64_t opset = 0;   ///< version of the operator's domain that the node is written in
  std::string domain;  ///< "" is ai.onnx
  Attributes attributes;
  std::vector<ValueId> inputs;   ///< may hold kNoValue; trailing omitted inputs are dropped
  std::vector<ValueId> outputs;  ///< may hold kNoValue
  Origin origin;

  /// Whether `op` is one of these names, in whatever domain.
  bool is_one_of(std::initializer_list<std::string_view> names) const;
  /// Input i; kNoValue where the node omits it.
  ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : kNoValue; }
  /// "Conv-11 'layer1.0.conv1'": for messages.
  std::string describe() const;
};

/// Reshape and its kin: the result has the operand's elements in the same order.
bool keeps_order(const Node& node);

/// The inner graph of a control-flow node. It shares the value ids of the graph around it: `nodes` may read
/// any outer value, and each that they do read is also an input of the control-flow node, behind its own
/// operands.
struct Body {
  std::vector<ValueId> inputs, outputs;
  std::vector<Node> nodes;  ///< in topological order
  size_t operands = 0;      ///< how many inputs of the control-flow node are its own
};

/// A named tensor of a Graph.
struct Value {
  std::string name;
  std::optional<DType> dtype;      ///< known for inputs, constants, and everywhere after `specialise`
  std::optional<Shape> shape;      ///< likewise, with every extent concrete
  std::optional<Tensor> constant;  ///< the value itself where it is known before running
  SignFact sign = SignFact::unknown;
};

/// A graph input as the model declares it: an extent is a number or a symbol ("batch"; "" is unnamed).
struct InputInfo {
  ValueId value = kNoValue;
  std::vector<std::variant<int64_t, std::string>> extents;
  bool has_shape = false;  ///< false when the model leaves even the rank open
};

/// The model as semantic nodes in topological order. Free of layout, in ONNX axis order.
/// A plain value: passes take one and edit it.
class Graph {
 public:
  std::vector<Node> nodes;
  std::vector<Value> values;
  std::vector<InputInfo> inputs;
  std::vector<ValueId> outputs;
  /// A branch, a number of trips or a shape was taken from given inputs: the graph holds for those alone.
  bool depends_on_inputs = false;
  std::vector<Assumption> assumptions;  ///< of the importer, the specialisation and the passes

  ValueId add_value(std::string name);
  ValueId add_constant(std::string name, Tensor value);

  Value& operator[](ValueId id) { return values[static_cast<size_t>(id)]; }
  const Value& operator[](ValueId id) const { return values[static_cast<size_t>(id)]; }

  const Tensor* constant(ValueId id) const;
  bool is_graph_output(ValueId id) const;

  /// Index of the node that writes each value, -1 for inputs and constants.
  std::vector<int32_t> producers() const;
  /// How many node inputs and graph outputs read each value.
  std::vector<int32_t> use_counts() const;

  /// Makes every reader of `from` (graph outputs too) read `to`.
  void replace_uses(ValueId from, ValueId to);
  /// Drops nodes that no graph output needs.
  void remove_dead_nodes();
  /// Restores topological order after a pass inserted nodes. Throws Error(bad_file) on a cycle.
  void sort_nodes();

  /// One line per node, for tests and `inspect`.
  std::string to_text() const;
};

/// Between which numbers one that a file gives must lie.
struct Bounds {
  int64_t lowest, highest;
};
/// Of attributes that set something up (axes, groups, kernels): far from overflow in a product of two.
constexpr Bounds kSetting{-(int64_t{1} << 31), int64_t{1} << 31};
constexpr Bounds kPositiveSetting{1, kSetting.highest};
/// Of operands that do: shapes, repeats, pads.
constexpr Bounds kExtent{-(int64_t{1} << 48), int64_t{1} << 48};
/// Of what is a value and no setting: labels, constants, ends of slices.
constexpr Bounds kAnyInteger{std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};

/// Throws Error(bad_file) where one of `values` is out of bounds; `what` names them.
void require_within(const Bounds& bounds, std::span<const int64_t> values, std::string_view what);

/// Attribute access with a default; a wrong type, or an integer out of bounds, is Error(bad_file).
int64_t int_attribute(const Node& node, std::string_view name, int64_t fallback,
                      const Bounds& bounds = kSetting);
double float_attribute(const Node& node, std::string_view name, double fallback);
std::string string_attribute(const Node& node, std::string_view name, std::string_view fallback);
std::vector<int64_t> ints_attribute(const Node& node, std::string_view name, const Bounds& bounds = kSetting);
/// The same, with `count` entries: `fallback` for each where the node has none, else Error(bad_file).
std::vector<int64_t> ints_for_each(const Node& node, std::string_view name, size_t count, int64_t fallback,
                                   const Bounds& bounds = kSetting);
std::vector<double> floats_attribute(const Node& node, std::string_view name);
const Tensor* tensor_attribute(const Node& node, std::string_view name);
/// Error(bad_file) where the node has none of that name.
const Body& body_attribute(const Node& node, std::string_view name);
bool has_attribute(const Node& node, std::string_view name);

}  // namespace onnxray
