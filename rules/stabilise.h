#pragma once

#include "backward/rule.h"
#include "core/builder.h"
#include "rules/conventions.h"

namespace onnxray {

/// Keras' epsilon, which iNNvestigate and SIGN-XAI 1.x add to denominators that are exactly 0.
constexpr double kSafeEpsilon = 1e-7;
/// Zennit's stabiliser, which it adds to every denominator.
constexpr double kSignedEpsilon = 1e-6;

/// Denominators up to this count as 0: relevance divided by them overflows (the far tail of a SiLU leaves
/// such sums).
inline double least_denominator(DType dtype) { return dtype == DType::f64 ? 1e-292 : 1e-31; }

/// 1e-7 where z is 0, else z
inline Var safe(Builder& b, Var z) {
  const DType dtype = b.dtype(z);
  return b.select(b.less_equal(b.abs(z), least_denominator(dtype)), b.scalar(kSafeEpsilon, dtype), z);
}

/// z + epsilon * sgn(z) with sgn(0) = +1
inline Var stabilised(Builder& b, Var z, double epsilon) {
  return b.add(z, b.mul(b.unary(Opcode::sign_positive, z), epsilon));
}

/// z as the denominator that the convention wants for rules other than epsilon.
inline Var denominator(Builder& b, Var z, Conventions::Stabiliser stabiliser) {
  return stabiliser == Conventions::Stabiliser::safe ? safe(b, z) : stabilised(b, z, kSignedEpsilon);
}

/// R / z, which is 0 wherever R is: a product with a masked row may be NaN.
Var per_unit(const NodeContext& context, Var R, Var z);

/// The contribution of input i: x times `share`. An infinite x, of a mask, has none where its share is 0.
Var contribution(const NodeContext& context, size_t i, Var share);

/// Enters into the books what s, relevance per unit of z, does not carry on: the share of `bias`, a part of z
/// (unset: none), and that of D - z, where D is z stabilised.
void enter_losses(NodeContext& context, Var s, Var z, Var D, Var bias = {});

/// Enters relevance that a rule drops, since no contribution can pay it.
void enter_dropped(NodeContext& context, Var R);

/// Enters relevance that goes to a factor which no input decides, as the bias's share.
void enter_constant(NodeContext& context, Var R);

/// weight R / D with the denominator that the convention wants, entered into the books. `bias` is a part of
/// z.
Var divided(NodeContext& context, Var R, Var z, Conventions::Stabiliser stabiliser, Var bias = {},
            double weight = 1);

}  // namespace onnxray
