#include <algorithm>
#include <cmath>
#include <span>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

using Doubles = std::vector<double>;

/// y = factor * x + offset per channel: what BatchNormalization is at inference.
struct Affine {
  Doubles factor, offset;
};

std::optional<Affine> affine_of(const GraphEdit& edit, const Node& node) {
  if (node.op != "BatchNormalization" || !node.domain.empty() || node.inputs.size() != 5) return std::nullopt;
  if (int_attribute(node, "training_mode", 0) != 0 || int_attribute(node, "spatial", 1) == 0)
    return std::nullopt;
  if (node.opset < 7 && int_attribute(node, "is_test", 0) == 0) return std::nullopt;
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue && !edit.unused(node.outputs[i])) return std::nullopt;
  }
  for (size_t i = 1; i < 5; ++i) {
    if (edit.graph.constant(node.inputs[i]) == nullptr) return std::nullopt;
  }
  const auto parameter = [&](size_t i) { return edit.graph.constant(node.inputs[i])->to_doubles(); };
  const Doubles scale = parameter(1), bias = parameter(2), mean = parameter(3), variance = parameter(4);
  const double epsilon = float_attribute(node, "epsilon", 1e-5);
  Affine affine;
  for (size_t c = 0; c < scale.size(); ++c) {
    affine.factor.push_back(scale[c] / std::sqrt(variance[c] + epsilon));
    affine.offset.push_back(bias[c] - mean[c] * affine.factor[c]);
  }
  return affine;
}

/// A linear node with its parameters in double. Conv weight: [M, C/groups, k..]; ConvTranspose: [C, M/groups,
/// k..]; dense (Gemm or MatMul): [K, J] or, transposed, [J, K], with alpha and beta multiplied in.
struct Linear {
  enum class Kind : uint8_t { conv, conv_transpose, dense } kind = Kind::conv;
  Shape shape;   // of w
  Doubles w, b;  // b has one entry per output channel
  int64_t groups = 1;
  bool transposed = false;
  bool may_lead = false;  // a per-channel offset of x is one of y: no padding

  /// Calls f(output channel, input channel, the weights between them) for each pair.
  template <class F>
  void for_each_pair(F&& f) {
    const auto inner = static_cast<size_t>(count_between(shape, 2, shape.size()));
    for (int64_t row = 0; row < shape[0]; ++row) {
      for (int64_t column = 0; column < shape[1]; ++column) {
        const auto [out, in] = channels(row, column);
        f(out, in, std::span(w).subspan(static_cast<size_t>(row * shape[1] + column) * inner, inner));
      }
    }
  }

 private:
  struct Channels {
    size_t out, in;
  };
  /// What the first two axes of the weight stand for.
  Channels channels(int64_t row, int64_t column) const {
    const auto r = static_cast<size_t>(row), c = static_cast<size_t>(column);
    if (kind == Kind::dense) return transposed ? Channels{r, c} : Channels{c, r};
    // Grouped: the weight's second axis counts within the group of the first.
    const int64_t group = row / (shape[0] / groups);
    const auto within = static_cast<size_t>(group * shape[1] + column);
    return kind == Kind::conv ? Channels{r, within} : Channels{within, r};
  }
};

bool has_no_padding(const Node& conv) {
  const auto mode = string_attribute(conv, "auto_pad", "NOTSET");
  return (mode == "NOTSET" || mode == "VALID") &&
         std::ranges::all_of(ints_attribute(conv, "pads"), [](int64_t p) { return p == 0; });
}

std::optional<Linear> linear_of(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.inputs.size() < 2) return std::nullopt;
  Linear linear;
  double alpha = 1, beta = 1;
  if (node.op == "Conv") {
    linear.may_lead = has_no_padding(node);
  } else if (node.op == "ConvTranspose") {
    linear.kind = Linear::Kind::conv_transpose;
  } else if (node.op == "Gemm" && int_attribute(node, "transA", 0) == 0) {
    linear.kind = Linear::Kind::dense;
    linear.transposed = int_attribute(node, "transB", 0) != 0;
    alpha = float_attribute(node, "alpha", 1);
    beta = float_attribute(node, "beta", 1);
    linear.may_lead = true;
  } else if (node.op == "MatMul" && graph[node.inputs[0]].shape->size() == 2) {
    linear.kind = Linear::Kind::dense;
    linear.may_lead = true;
  } else {
    return std::nullopt;
  }
  const Tensor* w = graph.constant(node.inputs[1]);
  if (w == nullptr || w->shape().size() < 2 || !is_floating(w->dtype())) return std::nullopt;
  linear.groups = int_attribute(node, "group", 1);
  linear.shape = w->shape();
  const int64_t outputs = (*graph[node.outputs[0]].shape)[1];
  const size_t rank = linear.kind == Linear::Kind::dense ? 2 : 1;
  linear.b.assign(static_cast<size_t>(outputs), 0);
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    const Tensor* b = graph.constant(node.inputs[2]);
    const auto bias = b != nullptr ? along_axis(*b, rank, rank - 1, outputs) : std::nullopt;
    if (!bias) return std::nullopt;
    linear.b = *bias;
  }
  linear.w = doubles_of(*w);
  for (double& v : linear.w) v *= alpha;
  for (double& v : linear.b) v *= beta;
  return linear;
}

/// y = f (w x + b) + o: w' = f w, b' = f b + o.
void append(Linear& linear, const Affine& affine) {
  linear.for_each_pair([&](size_t out, size_t, std::span<double> w) {
    for (double& v : w) v *= affine.factor[out];
  });
  for (size_t m = 0; m < linear.b.size(); ++m) {
    linear.b[m] = affine.factor[m] * linear.b[m] + affine.offset[m];
  }
}

/// y = w (f x + o) + b: w' = w f, b' = b + w o.
void prepend(Linear& linear, const Affine& affine) {
  linear.for_each_pair([&](size_t out, size_t in, std::span<double> w) {
    for (double& v : w) {
      linear.b[out] += v * affine.offset[in];
      v *= affine.factor[in];
    }
  });
}

/// Rewrites `node` to the linear node `like` over x with the parameters of `linear`.
void install(GraphEdit& edit, Node& node, const Node& like, ValueId x, const Linear& linear) {
  const DType dtype = edit.graph.constant(like.inputs[1])->dtype();
  const ValueId w = edit.add_constant(edit.graph[like.inputs[1]].name + "/folded",
                                      from_doubles(dtype, linear.shape, linear.w));
  const auto outputs = static_cast<int64_t>(linear.b.size());
  const ValueId b = edit.add_constant(edit.graph[like.inputs[1]].name + "/folded_bias",
                                      from_doubles(dtype, {outputs}, linear.b));
  Attributes attributes = like.attributes;
  attributes.erase("alpha");
  attributes.erase("beta");
  const bool dense = linear.kind == Linear::Kind::dense;
  edit.rewrite(node, dense ? "Gemm" : like.op, like.op == "MatMul" ? 13 : like.opset, {x, w, b},
               std::move(attributes));
}

/// BatchNormalization after a linear node that nothing else reads.
bool fold_into_previous(GraphEdit& edit, Node& node, const Affine& affine) {
  const Node* previous = edit.producer(node.inputs[0]);
  if (previous == nullptr || !edit.used_once(node.inputs[0])) return false;
  auto linear = linear_of(edit.graph, *previous);
  if (!linear || linear->b.size() != affine.factor.size()) return false;
  append(*linear, affine);
  install(edit, node, *previous, previous->inputs[0], *linear);
  return true;
}

/// BatchNormalization before a linear node, its only reader, that does not pad.
bool fold_into_this(GraphEdit& edit, Node& node) {
  if (node.inputs.empty() || node.inputs[0] == kNoValue) return false;
  const Node* norm = edit.producer(node.inputs[0], "BatchNormalization");
  if (norm == nullptr || !edit.used_once(node.inputs[0])) return false;
  auto linear = linear_of(edit.graph, node);
  const auto affine = affine_of(edit, *norm);
  if (!linear || !linear->may_lead || !affine) return false;
  prepend(*linear, *affine);
  install(edit, node, node, norm->inputs[0], *linear);
  return true;
}

}  // namespace

/// BatchNormalization becomes part of the linear node before it or, without padding, after it. The new
/// parameters are computed in double. A Mul or Add that an exporter wrote is left alone.
bool fold_batchnorm(Graph& graph, const PassOptions& options) {
  if (!options.fold_batchnorm) return false;
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op == "BatchNormalization") {
      const auto affine = affine_of(edit, node);
      if (affine) fold_into_previous(edit, node, *affine);
    } else if (node.op == "Conv" || node.op == "Gemm" || node.op == "MatMul") {
      fold_into_this(edit, node);
    }
  }
  return edit.apply();
}

}  // namespace onnxray
