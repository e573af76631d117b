#pragma once

#include "rules/conventions.h"
#include "rules/linear.h"

namespace onnxray {

/// Whether halves are to be computed by their literal terms: as differences of sums they lose digits where
/// they are small, which the halves of few terms often are.
bool takes_literal_terms(const LinearView& linear, Conventions::Splits splits);

/// The contributions x_i w_ij of a linear node, parted by sign: P their positive sum, N the negative one, x *
/// w = P + N.
///
/// The model's own z = x * w serves both halves. For an x without negative entries P = x * w+ and N = z - P,
/// and what goes back is x T(w+, .) + x T(w-, .). An x that may have both signs is handled in two forms: with
/// a = |x| * |w|,
///   P = (a + z) / 2,  N = (z - a) / 2
/// and what goes back is x T(w, .) + |x| T(|w|, .). A half that rounding may have left of a cancelled sum
/// counts as 0. Where few terms are summed halves are computed literally,
/// term by term, which is also the oracle.
class Contributions {
 public:
  Contributions(Builder& b, const LinearView& linear, Conventions::Splits splits);

  Var positive() const { return positive_; }
  Var negative();
  /// What relevance p per unit of P and n per unit of N sends to the inputs:
  /// x+ T(w+, p) + x- T(w-, p) + x+ T(w-, n) + x- T(w+, n). Either may be unset.
  Var share(Var p, Var n);

 private:
  enum class Form { one_sign, four_terms, two_forms };
  static Form form_for(const LinearView& linear, bool literal);

  Var noise(Var a, double sign) const;
  Var halves(Var x_weight, Var minus_x_weight) const;
  Var back(Var x_weight, Var minus_x_weight, Var s) const;
  Var share_two_forms(Var p, Var n) const;

  Builder& b_;
  const LinearView& linear_;
  Form form_;
  bool literal_;
  Var x_plus_, x_minus_, w_plus_, w_minus_;  // literal forms
  Var x_abs_, w_abs_, z_, a_;                // two forms
  Var positive_, negative_;
};

}  // namespace onnxray
