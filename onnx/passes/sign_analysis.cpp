#include <algorithm>
#include <array>
#include <cmath>

#include "onnx/passes/constants.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

using enum SignFact;

bool at_least_zero(SignFact s) { return s == non_negative || s == zero; }
bool at_most_zero(SignFact s) { return s == non_positive || s == zero; }

SignFact fact(bool not_below_zero, bool not_above_zero) {
  if (not_below_zero) return not_above_zero ? zero : non_negative;
  return not_above_zero ? non_positive : unknown;
}

/// What is known of a value that is one of two, or their sum.
SignFact join(SignFact a, SignFact b) {
  return fact(at_least_zero(a) && at_least_zero(b), at_most_zero(a) && at_most_zero(b));
}

SignFact negated(SignFact a) {
  if (a == non_negative) return non_positive;
  return a == non_positive ? non_negative : a;
}

SignFact times(SignFact a, SignFact b) {
  if (a == zero || b == zero) return zero;
  if (a == unknown || b == unknown) return unknown;
  return a == b ? non_negative : non_positive;
}

template <class Read>
SignFact scan(int64_t count, Read&& read) {
  bool positive = false, negative = false;
  for (int64_t i = 0; i < count; ++i) {
    const double v = read(i);
    if (std::isnan(v)) return unknown;
    positive = positive || v > 0;
    negative = negative || v < 0;
    if (positive && negative) return unknown;
  }
  return fact(!negative, !positive);
}

SignFact sign_of(const Tensor& t) {
  if (t.dtype() != DType::f32) return scan(t.size(), [&](int64_t i) { return t.as_double(i); });
  const float* data = t.data<float>().data();
  return scan(t.size(), [&](int64_t i) { return static_cast<double>(data[i]); });
}

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view op) {
  return std::ranges::find(list, op) != list.end();
}

constexpr std::array<std::string_view, 12> kNonNegative = {
    "Sigmoid",  "HardSigmoid", "Softmax",         "Abs",      "Exp",   "Sqrt",
    "Softplus", "ReduceL1",    "ReduceSumSquare", "ReduceL2", "IsNaN", "LpPool"};
// The sign of the result is that of the first input.
constexpr std::array<std::string_view, 41> kPreserving = {
    "MaxPool",       "AveragePool",    "GlobalAveragePool",
    "GlobalMaxPool", "ReduceMean",     "ReduceMax",
    "ReduceMin",     "ReduceSum",      "Reshape",
    "Flatten",       "Squeeze",        "Unsqueeze",
    "Transpose",     "Slice",          "Split",
    "Expand",        "Tile",           "Gather",
    "GatherND",      "GatherElements", "DepthToSpace",
    "SpaceToDepth",  "Identity",       "Dropout",
    "Cast",          "CastLike",       "ReverseSequence",
    "CumSum",        "Tanh",           "Erf",
    "Softsign",      "Sign",           "Elu",
    "Celu",          "Gelu",           "HardSwish",
    "Mish",          "Floor",          "Ceil",
    "Round",         "Trilu"};
constexpr std::array<std::string_view, 4> kJoining = {"Concat", "Add", "Sum", "Mean"};

class Signs {
 public:
  explicit Signs(Graph& graph) : graph_(graph) {}

  void run() {
    for (Value& value : graph_.values) value.sign = value.constant ? sign_of(*value.constant) : unknown;
    for (const Node& node : graph_.nodes) {
      if (node.op == "Saturate" || node.op == "RoundToGrid") {
        const bool at_offset = node.inputs.size() > 3;  // then 0 may lie between two steps
        graph_[node.outputs[0]].sign = at_offset ? unknown : in(node, 0);
        continue;
      }
      if (!node.domain.empty() && node.domain != "onnxray") continue;
      const SignFact sign = result(node);
      for (const ValueId id : node.outputs) {
        if (id != kNoValue && carries(node, id)) graph_[id].sign = sign;
      }
    }
  }

 private:
  /// Further outputs (indices, masks) are something else, but for Split's.
  static bool carries(const Node& node, ValueId id) { return id == node.outputs[0] || node.op == "Split"; }

  SignFact in(const Node& node, size_t i) const {
    return i < node.inputs.size() && node.inputs[i] != kNoValue ? graph_[node.inputs[i]].sign : zero;
  }

  SignFact joined(const Node& node, size_t first = 0) const {
    SignFact sign = in(node, first);
    for (size_t i = first + 1; i < node.inputs.size(); ++i) sign = join(sign, in(node, i));
    return sign;
  }

  SignFact result(const Node& node) const {
    const std::string_view op = node.op;
    if (contains(kNonNegative, op)) return non_negative;
    if (contains(kPreserving, op)) return in(node, 0);
    if (contains(kJoining, op)) return joined(node);
    if (op == "Relu") return at_most_zero(in(node, 0)) ? zero : non_negative;
    if (op == "Clip") return clip(node);
    if (op == "LeakyRelu") return float_attribute(node, "alpha", 0.01) >= 0 ? in(node, 0) : unknown;
    if (op == "Swish") return float_attribute(node, "alpha", 1) > 0 ? in(node, 0) : unknown;
    if (op == "PRelu")
      return in(node, 0) == non_negative || in(node, 1) == non_negative ? in(node, 0) : unknown;
    if (op == "ThresholdedRelu") return float_attribute(node, "alpha", 1) >= 0 ? non_negative : unknown;
    if (op == "LogSoftmax") return non_positive;
    if (op == "Neg") return negated(in(node, 0));
    if (op == "Sub") return join(in(node, 0), negated(in(node, 1)));
    if (op == "Mul") return same_operands(node) ? non_negative : times(in(node, 0), in(node, 1));
    if (op == "Div") return times(in(node, 0), in(node, 1));
    if (op == "Reciprocal") return in(node, 0);
    if (op == "Pow") return pow(node);
    if (op == "Max") return any_input(node, non_negative) ? non_negative : joined(node);
    if (op == "Min") return any_input(node, non_positive) ? non_positive : joined(node);
    if (op == "Where") return joined(node, 1);
    if (op == "Pad") return pad(node);
    if (op == "Resize" || op == "Upsample")
      return string_attribute(node, "mode", "nearest") == "cubic" ? unknown : resized(node);
    if (op == "Conv" || op == "ConvTranspose" || op == "MatMul")
      return join(times(in(node, 0), in(node, 1)), in(node, 2));
    if (op == "Gemm") return gemm(node);
    return unknown;
  }

  static bool same_operands(const Node& node) { return node.inputs[0] == node.inputs[1]; }

  bool any_input(const Node& node, SignFact sign) const {
    return std::ranges::any_of(node.inputs,
                               [&](ValueId id) { return id != kNoValue && graph_[id].sign == sign; });
  }

  /// y = min(max(x, low), high). A missing bound does not bind.
  SignFact clip(const Node& node) const {
    const auto bound = [&](std::string_view name, size_t i) -> std::optional<SignFact> {
      if (has_attribute(node, name)) return sign_of(Tensor::scalar(float_attribute(node, name, 0)));
      if (i < node.inputs.size() && node.inputs[i] != kNoValue) return graph_[node.inputs[i]].sign;
      return std::nullopt;
    };
    const SignFact x = in(node, 0);
    const auto low = bound("min", 1), high = bound("max", 2);
    const bool raised = at_least_zero(x) || (low && at_least_zero(*low));
    const bool lowered = at_most_zero(x) && (!low || at_most_zero(*low));
    return fact(raised && (!high || at_least_zero(*high)), lowered || (high && at_most_zero(*high)));
  }

  SignFact pow(const Node& node) const {
    const auto exponent = scalar_constant(graph_, node.inputs[1]);
    if (in(node, 0) == non_negative) return non_negative;
    const bool even = exponent && std::fmod(*exponent, 2) == 0;
    return even ? non_negative : unknown;
  }

  SignFact pad(const Node& node) const {
    if (string_attribute(node, "mode", "constant") != "constant") return in(node, 0);
    const SignFact fill = has_attribute(node, "value")
                              ? sign_of(Tensor::scalar(float_attribute(node, "value", 0)))
                              : in(node, 2);
    return join(in(node, 0), fill);
  }

  /// Outside of the image, tf_crop_and_resize puts extrapolation_value.
  SignFact resized(const Node& node) const {
    return join(in(node, 0), sign_of(Tensor::scalar(float_attribute(node, "extrapolation_value", 0))));
  }

  SignFact gemm(const Node& node) const {
    const auto scaled = [&](std::string_view name, SignFact s) {
      return times(sign_of(Tensor::scalar(float_attribute(node, name, 1))), s);
    };
    return join(scaled("alpha", times(in(node, 0), in(node, 1))), scaled("beta", in(node, 2)));
  }

  Graph& graph_;
};

}  // namespace

bool sign_analysis(Graph& graph, const PassOptions&) {
  Signs(graph).run();
  return false;
}

}  // namespace onnxray
