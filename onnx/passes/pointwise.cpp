#include "onnx/passes/pointwise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "onnx/fold.h"
#include "onnx/passes/constants.h"
#include "ops/op.h"

namespace onnxray {

namespace {

// The longest spelling of an activation that exporters write has about fifteen nodes.
constexpr size_t kMaxNodes = 24;

constexpr std::array<std::string_view, 44> kOps = {"Relu",
                                                   "LeakyRelu",
                                                   "PRelu",
                                                   "Elu",
                                                   "Selu",
                                                   "Celu",
                                                   "Sigmoid",
                                                   "HardSigmoid",
                                                   "HardSwish",
                                                   "Tanh",
                                                   "Clip",
                                                   "Erf",
                                                   "Gelu",
                                                   "Mish",
                                                   "Swish",
                                                   "Softplus",
                                                   "Softsign",
                                                   "Abs",
                                                   "Neg",
                                                   "Exp",
                                                   "Log",
                                                   "Sqrt",
                                                   "Reciprocal",
                                                   "Sign",
                                                   "Not",
                                                   "ThresholdedRelu",
                                                   "Cast",
                                                   "Add",
                                                   "Sub",
                                                   "Mul",
                                                   "Div",
                                                   "Pow",
                                                   "Min",
                                                   "Max",
                                                   "Sum",
                                                   "Mean",
                                                   "Where",
                                                   "Less",
                                                   "Greater",
                                                   "LessOrEqual",
                                                   "GreaterOrEqual",
                                                   "And",
                                                   "Or",
                                                   "Identity"};

bool is_additive(const Node& node) { return node.op == "Add" || node.op == "Sub" || node.op == "Sum"; }

/// Grows the function backwards from its last node, the latest operand first, so that whenever one operand is
/// left it is the only one.
class Growth {
 public:
  Growth(const GraphEdit& edit, const Node& root) : edit_(edit), graph_(edit.graph) {
    can_grow_ = take(root);
  }

  std::vector<Pointwise> run() {
    std::vector<Pointwise> found;
    while (can_grow_ && !open_.empty()) {
      const auto latest = std::ranges::max_element(open_, {}, [&](ValueId id) { return position(id); });
      if (open_.size() == 1) add(found, *latest);
      const ValueId id = *latest;
      open_.erase(latest);
      const Node* node = edit_.producer(id);
      can_grow_ =
          node != nullptr && f_.nodes.size() < kMaxNodes && edit_.uses(id) == reads_[id] && take(*node);
    }
    return found;
  }

 private:
  std::ptrdiff_t position(ValueId id) const {
    const Node* node = edit_.producer(id);
    return node != nullptr ? node - graph_.nodes.data() : -1;
  }

  /// Takes the node in: its operands are numbers or open.
  bool take(const Node& node) {
    if (!node.domain.empty() || node.outputs.size() != 1 || std::ranges::find(kOps, node.op) == kOps.end())
      return false;
    const DType dtype = *graph_[node.outputs[0]].dtype;
    if (!is_floating(dtype) && dtype != DType::boolean) return false;
    if (node.op == "Mul" && !node.attributes.empty()) return false;  // part of a recurrent node
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      if (const Tensor* constant = graph_.constant(id)) {
        if (!take_constant(node, *constant)) return false;
        continue;
      }
      ++reads_[id];
      if (std::ranges::find(open_, id) == open_.end()) open_.push_back(id);
    }
    f_.nodes.push_back(&node);
    return true;
  }

  bool take_constant(const Node& node, const Tensor& constant) {
    if (const auto number = only_number(constant)) {
      // What is added to keep a logarithm or a quotient finite is no part of an activation.
      constexpr double kGuard = 1e-9;
      if (is_additive(node) && *number != 0 && std::abs(*number) < kGuard) return false;
      f_.numbers.push_back(*number);
      return true;
    }
    constexpr int64_t kMostParameters = 8192;
    if (constant.size() > kMostParameters || node.opset < 7) return false;
    if (f_.has_parameters && f_.parameters != constant.shape()) return false;
    f_.has_parameters = true;
    f_.parameters = constant.shape();
    return true;
  }

  void add(std::vector<Pointwise>& found, ValueId x) const {
    const Value& result = graph_[f_.nodes.front()->outputs[0]];
    if (!is_floating(*graph_[x].dtype) || !is_floating(*result.dtype) || graph_[x].shape != result.shape)
      return;
    found.push_back(f_);
    found.back().x = x;
    std::ranges::sort(found.back().nodes);  // as they stand in the graph
  }

  const GraphEdit& edit_;
  const Graph& graph_;
  Pointwise f_;
  std::vector<ValueId> open_;
  std::map<ValueId, int64_t> reads_;  // by nodes of the function
  bool can_grow_ = false;
};

/// The textbook constant that `v`, stored in half precision, is rounded from; v where it is none.
double unrounded(double v, DType stored) {
  using namespace std::numbers;
  static const double root = std::sqrt(2 / pi), cubic = 0.044715;
  for (const double t :
       {1 / sqrt2, sqrt2, root, 2 * root, cubic, root * cubic, 2 * root * cubic, 1.702, 1.0 / 6}) {
    for (const double c : {t, -t}) {
      if (Tensor::scalar(c).to(stored).as_double(0) == v) return c;
    }
  }
  return v;
}

/// A constant in double, as the model stores it.
Tensor exact(ValueId id, const Tensor& constant, const PassOptions& options) {
  const Graph* model = options.imported;
  const Tensor* stored =
      model && static_cast<size_t>(id) < model->values.size() ? model->constant(id) : nullptr;
  const bool is_half = stored && (stored->dtype() == DType::f16 || stored->dtype() == DType::bf16);
  std::vector<double> values = constant.to_doubles();
  if (is_half)
    std::ranges::transform(values, values.begin(), [&](double v) { return unrounded(v, stored->dtype()); });
  return Tensor::of<double>(constant.shape(), values);
}

std::vector<double> evaluated(Program program, Var y, Backend& folder) {
  program.outputs.push_back({"y", y});
  return evaluate(std::move(program), folder)[0].to_doubles();
}

Var places(Builder& b, std::span<const double> xs, int64_t repeats) {
  const auto count = static_cast<int64_t>(xs.size());
  std::vector<double> all;
  for (const double x : xs) all.insert(all.end(), static_cast<size_t>(repeats), x);
  return b.constant(Tensor::of<double>({count, repeats}, all));
}

}  // namespace

std::vector<Pointwise> pointwise_functions(const GraphEdit& edit, const Node& root) {
  return Growth(edit, root).run();
}

std::vector<double> values_at(const GraphEdit& edit, const Pointwise& f, std::span<const double> xs,
                              const PassOptions& options) {
  Program program;
  Builder b(program);
  const int64_t repeats = f.has_parameters ? element_count(f.parameters) : 1;
  std::map<ValueId, Var> vars{{f.x, places(b, xs, repeats)}};
  const auto operand = [&](ValueId id) -> Var {
    if (id == kNoValue) return {};
    const auto known = vars.find(id);
    if (known != vars.end()) return known->second;
    const Tensor value = exact(id, *edit.graph.constant(id), options);
    const auto number = only_number(value);
    return number ? b.scalar(*number, DType::f64) : b.constant(value.reshaped({1, repeats}));
  };
  for (const Node* node : f.nodes) {
    std::vector<Var> inputs;
    for (const ValueId id : node->inputs) inputs.push_back(operand(id));
    const bool is_cast = node->op == "Cast" && is_floating(*edit.graph[node->outputs[0]].dtype);
    vars[node->outputs[0]] = is_cast ? b.cast(inputs[0], DType::f64)
                                     : lower_node(OpRegistry::builtin(), *node, b, std::move(inputs))[0];
  }
  return evaluated(std::move(program), vars.at(f.nodes.back()->outputs[0]), *options.folder);
}

std::vector<double> values_at(const Node& node, std::span<const double> xs, Backend& folder) {
  Program program;
  Builder b(program);
  const Var y = lower_node(OpRegistry::builtin(), node, b, {places(b, xs, 1)})[0];
  return evaluated(std::move(program), y, folder);
}

}  // namespace onnxray
