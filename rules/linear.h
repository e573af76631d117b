#pragma once

#include "backward/rule.h"

namespace onnxray {

/// A linear node z = x * w + b (Conv, ConvTranspose, Gemm, MatMul) as rules see it.
/// `x` is the operand that relevance goes to, `w` the constant one.
class LinearView {
 public:
  explicit LinearView(NodeContext& context);

  Var x() const { return context_.input(data_); }
  Var w() const { return context_.input(weight_); }
  Var z() const { return context_.output(); }
  Var R() const { return context_.cotangent(); }
  /// T(w, s): the adjoint in x, applied to s.
  Var adjoint(Var s) const;
  void send(Var share) const { context_.send(data_, share); }

 private:
  NodeContext& context_;
  size_t data_, weight_;
};

}  // namespace onnxray
