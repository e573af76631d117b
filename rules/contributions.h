#pragma once

#include "rules/linear.h"

namespace onnxray {

/// The contributions x_i w_ij of a linear node, parted by sign: P their positive sum, N the negative one, x *
/// w = P + N.
///
/// An x that may have both signs is handled in two forms: with z = x * w and a = |x| * |w|,
///   P = (a + z) / 2,  N = (z - a) / 2
/// and what goes back is x T(w, .) + |x| T(|w|, .). `exact` computes the four terms literally instead, as the
/// oracle.
class Contributions {
 public:
  Contributions(Builder& b, const LinearView& linear, bool exact);

  Var positive() const { return positive_; }
  /// Costs a product of its own where x has one sign.
  Var negative();
  /// What relevance p per unit of P and n per unit of N sends to the inputs:
  /// x+ T(w+, p) + x- T(w-, p) + x+ T(w-, n) + x- T(w+, n). Either may be unset.
  Var share(Var p, Var n);

 private:
  enum class Form { one_sign, four_terms, two_forms };

  Var halves(Var x_weight, Var minus_x_weight) const;
  Var back(Var x_weight, Var minus_x_weight, Var s) const;
  Var share_two_forms(Var p, Var n) const;

  Builder& b_;
  const LinearView& linear_;
  Form form_;
  Var x_plus_, x_minus_, w_plus_, w_minus_;  // literal forms
  Var x_abs_, w_abs_, z_, a_;                // two forms
  Var positive_, negative_;
};

}  // namespace onnxray
