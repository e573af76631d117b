#pragma once

#include "core/builder.h"
#include "rules/conventions.h"

namespace onnxray {

/// Keras' epsilon, which iNNvestigate and SIGN-XAI 1.x add to denominators that are exactly 0.
constexpr double kSafeEpsilon = 1e-7;
/// Zennit's stabiliser, which it adds to every denominator.
constexpr double kSignedEpsilon = 1e-6;

/// z + 1e-7 [z == 0]
inline Var safe(Builder& b, Var z) {
  return b.select(b.equal(z, 0.0), b.scalar(kSafeEpsilon, b.dtype(z)), z);
}

/// z + epsilon * sgn(z) with sgn(0) = +1
inline Var stabilised(Builder& b, Var z, double epsilon) {
  return b.add(z, b.mul(b.unary(Opcode::sign_positive, z), epsilon));
}

/// R / z with the denominator that the convention wants for rules other than epsilon.
inline Var divided(Builder& b, Var R, Var z, Conventions::Stabiliser stabiliser) {
  return b.div(R,
               stabiliser == Conventions::Stabiliser::safe ? safe(b, z) : stabilised(b, z, kSignedEpsilon));
}

}  // namespace onnxray
