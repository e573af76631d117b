#pragma once

#include <optional>
#include <span>
#include <vector>

#include "onnx/passes/affine.h"

namespace onnxray {

/// A Conv, ConvTranspose, Gemm or MatMul with constant parameters, which affine maps of its channels are
/// merged into. The new parameters are computed in double.
class LinearNode {
 public:
  /// Nothing where the node is none of these or a parameter is not a constant.
  static std::optional<LinearNode> of(const Graph& graph, const Node& node);

  int64_t outputs() const { return std::ssize(bias_); }
  ValueId data() const { return like_.inputs[1 - weight_operand_]; }
  /// Which axes of the output count its units.
  ChannelAxes channels() const { return channels_; }
  /// Whether an offset of each input channel is one of each output channel: no padding, channels on axis 1.
  bool may_follow() const { return may_follow_; }

  /// y = f (w x + b) + o: w' = f w, b' = f b + o.
  void append(const Affine& affine);
  /// y = w (f x + o) + b: w' = w f, b' = b + w o.
  void prepend(const Affine& affine);

  /// Makes `node`, which may be the linear node itself, the linear node over `x` with these parameters.
  void install(GraphEdit& edit, Node& node, ValueId x);

 private:
  enum class Kind : uint8_t { conv, conv_transpose, dense };
  LinearNode() = default;
  void load_weight();
  template <class F>
  void for_each_pair(F&& f);

  Node like_;  // what it was
  const Tensor* weight_ = nullptr;
  Kind kind_ = Kind::conv;
  size_t weight_operand_ = 1;
  int64_t groups_ = 1;
  double alpha_ = 1;
  bool rows_are_outputs_ = false;
  bool may_follow_ = false;
  ChannelAxes channels_;
  // Of Conv [M, C/groups, k..], of ConvTranspose [C, M/groups, k..], of a dense node [K, J] or, where rows
  // are outputs, [J, K]. Empty until something changes it: an offset leaves it alone.
  std::vector<double> w_;
  std::vector<double> bias_;  // by output channel
};

/// The linear node whose result `id` is, perhaps moved by shape nodes, and where its channels stand in `id`.
struct MovedResult {
  Node* node = nullptr;  ///< null where there is none or something else reads what lies in between
  ChannelAxes channels;
  bool is_moved = false;  ///< whether a shape node lies in between
};
MovedResult moved_result(const GraphEdit& edit, ValueId id);

}  // namespace onnxray
