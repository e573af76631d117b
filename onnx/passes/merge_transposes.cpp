#include <algorithm>
#include <array>
#include <numeric>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

// Transposes sink: op(T(x)) becomes T(op'(x)), until one meets another and they merge. Nothing moves upwards,
// so a transpose gets past each node at most once and the pass ends.

namespace {

using Permutation = std::vector<int64_t>;

constexpr std::array<std::string_view, 36> kUnary = {
    "Relu",  "LeakyRelu", "Elu",   "Selu",   "Celu",     "Sigmoid", "HardSigmoid", "HardSwish",
    "Tanh",  "Clip",      "Erf",   "Gelu",   "Mish",     "Swish",   "Softplus",    "Softsign",
    "Abs",   "Neg",       "Exp",   "Log",    "Sqrt",     "Sin",     "Reciprocal",  "ThresholdedRelu",
    "Floor", "Ceil",      "Round", "Sign",   "Identity", "Cast",    "Not",         "IsNaN",
    "IsInf", "Cos",       "Atan",  "Dropout"};
constexpr std::array<std::string_view, 21> kBroadcasting = {
    "Add",  "Sub",   "Mul",   "Div",   "Pow",     "Min",         "Max",     "Sum",
    "Mean", "Where", "PRelu", "Equal", "Less",    "LessOrEqual", "Greater", "GreaterOrEqual",
    "And",  "Or",    "Xor",   "Mod",   "BitShift"};
constexpr std::array<std::string_view, 10> kReductions = {
    "ReduceMean", "ReduceSum",       "ReduceMax",    "ReduceMin", "ReduceProd",
    "ReduceL1",   "ReduceSumSquare", "ReduceLogSum", "ReduceL2",  "ReduceLogSumExp"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view op) {
  return std::ranges::find(list, op) != list.end();
}

bool is_identity(const Permutation& p) { return std::ranges::is_sorted(p); }

Permutation inverse(const Permutation& p) {
  Permutation result(p.size());
  for (size_t i = 0; i < p.size(); ++i) result[static_cast<size_t>(p[i])] = static_cast<int64_t>(i);
  return result;
}

Shape permuted(const Shape& shape, const Permutation& p) {
  Shape result;
  for (const int64_t axis : p) result.push_back(shape[static_cast<size_t>(axis)]);
  return result;
}

Permutation permutation_of(const Graph& graph, const Node& transpose) {
  Permutation p = ints_attribute(transpose, "perm");
  if (!p.empty()) return p;
  p.resize(graph[transpose.inputs[0]].shape->size());
  std::iota(p.rbegin(), p.rend(), 0);
  return p;
}

class Sinker {
 public:
  explicit Sinker(Graph& graph) : edit_(graph), graph_(graph), consumers_(graph.values.size()) {
    for (Node& node : graph.nodes) {
      for (const ValueId id : node.inputs) {
        if (id != kNoValue) consumers_[static_cast<size_t>(id)].push_back(&node);
      }
    }
  }

  bool run() {
    for (Node& node : graph_.nodes) {
      edit_.refresh(node);
      if (node.domain.empty() && !node.inputs.empty() && node.outputs.size() == 1) visit(node);
    }
    return edit_.apply();
  }

 private:
  void visit(Node& node) {
    if (node.op == "Transpose") return merge(node);
    if (contains(kUnary, node.op)) return sink_unary(node);
    if (contains(kBroadcasting, node.op)) return sink_broadcasting(node);
    if (contains(kReductions, node.op)) return sink_reduction(node);
    if (node.op == "Concat") return sink_concat(node);
    if (node.op == "Pad") return sink_pad(node);
  }

  const Node* transpose_of(ValueId id) const { return edit_.producer(id, "Transpose"); }

  /// T2(T1(x)) = T(x) with T[i] = T1[T2[i]].
  void merge(Node& node) {
    const Node* first = transpose_of(node.inputs[0]);
    if (first == nullptr) return;
    const Permutation both = permuted(permutation_of(graph_, *first), permutation_of(graph_, node));
    const ValueId x = first->inputs[0];
    if (is_identity(both) && edit_.bypass(node, x)) return;
    edit_.rewrite(node, "Transpose", node.opset, {x}, {{"perm", both}});
  }

  /// Sinking a transpose that others read too copies it; worth it only where all readers of the result undo
  /// it.
  bool may_pass(ValueId transposed, const Node& node) const {
    if (edit_.used_once(transposed)) return true;
    const auto id = static_cast<size_t>(node.outputs[0]);
    if (id >= consumers_.size() || consumers_[id].empty() || graph_.is_graph_output(node.outputs[0]))
      return false;
    return std::ranges::all_of(consumers_[id], [](const Node* n) { return n->op == "Transpose"; });
  }

  /// Gives `node` an output before the transpose `p`, and the transpose the node's old output. `origin` is
  /// that of the transpose which sank.
  void append_transpose(Node& node, const Permutation& p, const Origin& origin) {
    const ValueId y = node.outputs[0];
    const Shape shape = permuted(*graph_[y].shape, inverse(p));
    const ValueId before = edit_.add_value(graph_[y].name + "/before_transpose", *graph_[y].dtype, shape);
    node.outputs[0] = before;
    edit_.insert_after(node, {.op = "Transpose",
                              .opset = 13,
                              .domain = {},
                              .attributes = {{"perm", p}},
                              .inputs = {before},
                              .outputs = {y},
                              .origin = origin});
    edit_.set_producer(before, node);
  }

  void sink_unary(Node& node) {
    const Node* transpose = transpose_of(node.inputs[0]);
    if (transpose == nullptr || !may_pass(node.inputs[0], node)) return;
    edit_.set_input(node, 0, transpose->inputs[0]);
    append_transpose(node, permutation_of(graph_, *transpose), transpose->origin);
  }

  /// The permutation that all transposed operands of rank `rank` share, or {} where an operand stands in the
  /// way.
  Permutation common_permutation(const Node& node, size_t rank, bool constants_pass) const {
    Permutation common;
    bool one_dies = false;
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) return {};
      const Node* transpose = transpose_of(id);
      const bool passes = graph_.constant(id) != nullptr || element_count(*graph_[id].shape) == 1;
      if (transpose == nullptr) {
        if (!constants_pass || !passes) return {};
        continue;
      }
      const Permutation p = permutation_of(graph_, *transpose);
      if (p.size() != rank || (!common.empty() && p != common)) return {};
      common = p;
      one_dies = one_dies || may_pass(id, node) || edit_.uses(id) == std::ranges::count(node.inputs, id);
    }
    return one_dies ? common : Permutation{};
  }

  /// The constant `id` as the operand of a tensor whose axes are permuted back.
  ValueId untransposed_constant(ValueId id, const Permutation& p) {
    const Tensor& t = *graph_.constant(id);
    Shape full(p.size(), 1);
    std::ranges::copy_backward(t.shape(), full.end());
    const Shape target = permuted(full, inverse(p));
    const std::string name = graph_[id].name + "/transposed";
    // A per-channel operand has one axis that is not 1: no element moves.
    const bool moves = std::ranges::count_if(full, [](int64_t extent) { return extent != 1; }) > 1;
    return edit_.add_constant(name, moves ? transposed(t.reshaped(full), inverse(p)) : t.reshaped(target));
  }

  /// Returns the origins of the transposes.
  Origin replace_operands(Node& node, const Permutation& p) {
    Origin origin;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (const Node* transpose = transpose_of(id)) {
        merge_origin(origin, transpose->origin);
        edit_.set_input(node, i, transpose->inputs[0]);
      } else if (element_count(*graph_[id].shape) != 1) {
        edit_.set_input(node, i, untransposed_constant(id, p));
      }
    }
    return origin;
  }

  void sink_broadcasting(Node& node) {
    const Permutation p = common_permutation(node, graph_[node.outputs[0]].shape->size(), true);
    if (p.empty()) return;
    const Origin origin = replace_operands(node, p);
    append_transpose(node, p, origin);
  }

  void sink_concat(Node& node) {
    const size_t rank = graph_[node.outputs[0]].shape->size();
    const Permutation p = common_permutation(node, rank, false);
    if (p.empty()) return;
    const int64_t axis = normalise_axis(int_attribute(node, "axis", 1), rank);
    const Origin origin = replace_operands(node, p);
    node.attributes["axis"] = p[static_cast<size_t>(axis)];
    append_transpose(node, p, origin);
  }

  void sink_pad(Node& node) {
    const Node* transpose = transpose_of(node.inputs[0]);
    const bool axes_listed = node.inputs.size() > 3 && node.inputs[3] != kNoValue;
    const Tensor* input = node.inputs.size() > 1 ? graph_.constant(node.inputs[1]) : nullptr;
    if (transpose == nullptr || axes_listed || !may_pass(node.inputs[0], node)) return;
    const Permutation p = permutation_of(graph_, *transpose), back = inverse(p);
    const size_t rank = p.size();
    const auto pads = input != nullptr ? input->to_int64s() : ints_attribute(node, "pads");
    if (pads.size() != 2 * rank) return;
    std::vector<int64_t> moved(2 * rank);
    for (size_t i = 0; i < rank; ++i) {
      moved[i] = pads[static_cast<size_t>(back[i])];
      moved[rank + i] = pads[rank + static_cast<size_t>(back[i])];
    }
    edit_.set_input(node, 0, transpose->inputs[0]);
    if (input == nullptr)
      node.attributes["pads"] = moved;
    else
      edit_.set_input(node, 1,
                      edit_.add_constant(graph_[node.inputs[1]].name + "/transposed", from_int64s(moved)));
    append_transpose(node, p, transpose->origin);
  }

  void sink_reduction(Node& node) {
    const Node* transpose = transpose_of(node.inputs[0]);
    if (transpose == nullptr || !may_pass(node.inputs[0], node)) return;
    const Permutation p = permutation_of(graph_, *transpose);
    const auto axes = reduction_axes(graph_, node, p.size());
    if (!axes) return;
    std::vector<int64_t> moved = permuted(p, *axes);
    std::ranges::sort(moved);
    edit_.set_input(node, 0, transpose->inputs[0]);
    const bool axes_are_input = node.inputs.size() > 1 && node.inputs[1] != kNoValue;
    if (axes_are_input)
      edit_.set_input(node, 1,
                      edit_.add_constant(graph_[node.inputs[1]].name + "/transposed", from_int64s(moved)));
    else if (has_attribute(node, "axes"))
      node.attributes["axes"] = moved;
    const Permutation rest = int_attribute(node, "keepdims", 1) != 0 ? p : remaining(p, *axes);
    if (!is_identity(rest)) append_transpose(node, rest, transpose->origin);
  }

  /// The permutation of the axes that stay when `axes` of the transposed tensor are dropped.
  static Permutation remaining(const Permutation& p, const std::vector<int64_t>& axes) {
    Permutation kept;
    for (size_t i = 0; i < p.size(); ++i) {
      if (!std::ranges::binary_search(axes, static_cast<int64_t>(i))) kept.push_back(p[i]);
    }
    Permutation ranks;
    for (const int64_t axis : kept)
      ranks.push_back(std::ranges::count_if(kept, [&](int64_t other) { return other < axis; }));
    return ranks;
  }

  GraphEdit edit_;
  Graph& graph_;
  std::vector<std::vector<const Node*>> consumers_;  // by value, as the pass found them
};

}  // namespace

bool merge_transposes(Graph& graph, const PassOptions&) { return Sinker(graph).run(); }

}  // namespace onnxray
