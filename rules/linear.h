#pragma once

#include <optional>

#include "backward/rule.h"

namespace onnxray {

/// A linear node z = x * w + bias (Conv, ConvTranspose, Gemm, MatMul) as rules see it.
/// `x` is the operand that relevance goes to, `w` the constant one. BatchNormalization is one too: an
/// elementwise product with w = scale / sqrt(var + eps).
class LinearView {
 public:
  explicit LinearView(NodeContext& context);

  Var x() const { return context_.input(data_); }
  Var w() const { return w_; }
  /// Broadcasts to z; unset where the node has none.
  Var bias() const { return bias_; }
  /// For denominators under R(): where R is 0 wherever Relu(z) is, that takes z's place.
  Var z() const { return z_; }
  Var R() const { return context_.cotangent(); }
  /// Where x and z hold the samples.
  std::optional<SampleAxis> samples_of_x() const { return context_.samples_of_input(data_); }
  std::optional<SampleAxis> samples_of_z() const { return context_.samples_of_output(); }
  /// Whether x is known to have no negative entry.
  bool x_is_non_negative() const;
  /// How many products x_i w_ij an entry of z sums.
  int64_t fan_in() const;

  /// The axes of w and of z that z's channels run along; unset where groups part them.
  struct ChannelAxes {
    int64_t of_w, of_z;
  };
  std::optional<ChannelAxes> channel_axes() const;
  /// x's shape for one sample: what is the same for every sample is computed once. x's own where samples are
  /// not on axis 0.
  Shape sample_shape() const;

  /// x * w without bias, under other operands.
  Var product(Var x, Var w) const;
  /// z without bias, up to rounding of z; the same variable where there is none. Costs no product.
  Var z_without_bias() const { return bias_ ? context_.b.sub(z(), bias_) : z(); }
  /// T(w, s): the adjoint in x, applied to s.
  Var adjoint(Var s) const;
  Var adjoint(Var w, Var s) const;
  void send(Var share) const { context_.send(data_, share); }

 private:
  NodeContext& context_;
  size_t data_, weight_;
  bool elementwise_;
  Var w_, bias_, z_;
};

}  // namespace onnxray
