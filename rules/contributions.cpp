#include "rules/contributions.h"

#include <cmath>

namespace onnxray {

namespace {

/// What rounding leaves of a sum without a contribution: a and z then differ by this share of a at most.
double rounding(DType type) { return type == DType::f64 ? std::ldexp(4, -53) : std::ldexp(4, -24); }

/// Sums of fewer terms lose more to cancellation than further products cost: one where x >= 0, else two and
/// an adjoint more, which is little for depthwise and narrow grouped convolutions alone.
constexpr int64_t kFewTerms = 64, kFewSignedTerms = 16;

}  // namespace

bool takes_literal_terms(const LinearView& linear, Conventions::Splits splits) {
  if (splits == Conventions::Splits::automatic)
    return linear.fan_in() < (linear.x_is_non_negative() ? kFewTerms : kFewSignedTerms);
  return splits == Conventions::Splits::literal;
}

Contributions::Form Contributions::form_for(const LinearView& linear, bool literal) {
  if (linear.x_is_non_negative()) return Form::one_sign;
  return literal ? Form::four_terms : Form::two_forms;
}

/// How large a half may be that is only what rounding left of a cancelled sum, or of the bias taken from z.
Var Contributions::noise(Var a, double sign) const {
  const Var size = linear_.bias() ? b_.add(a, b_.abs(linear_.bias())) : a;
  return b_.mul(size, sign * rounding(b_.dtype(a)));
}

Contributions::Contributions(Builder& b, const LinearView& linear, Conventions::Splits splits)
    : b_(b),
      linear_(linear),
      form_(form_for(linear, takes_literal_terms(linear, splits))),
      literal_(takes_literal_terms(linear, splits)) {
  const Var x = linear.x(), w = linear.w();
  if (form_ == Form::two_forms) {
    x_abs_ = b.abs(x);
    w_abs_ = b.abs(w);
    z_ = linear.z_without_bias();
    a_ = linear.product(x_abs_, w_abs_);
    const Var half = b.mul(b.add(a_, z_), 0.5);
    positive_ = b.select(b.less(noise(a_, 1), half), half, b.scalar(0, b.dtype(half)));
    return;
  }
  w_plus_ = b.max(w, 0.0);
  w_minus_ = b.min(w, 0.0);
  x_plus_ = form_ == Form::one_sign ? x : b.max(x, 0.0);
  if (form_ == Form::four_terms) x_minus_ = b.min(x, 0.0);
  positive_ = halves(w_plus_, w_minus_);
}

Var Contributions::negative() {
  if (negative_) return negative_;
  if (literal_) return negative_ = halves(w_minus_, w_plus_);
  // For x >= 0, a = P - N, and where N is near its noise a is near P.
  const bool two = form_ == Form::two_forms;
  const Var half = two ? b_.mul(b_.sub(z_, a_), 0.5) : b_.sub(linear_.z_without_bias(), positive_);
  const Var least = noise(two ? a_ : positive_, -1);
  return negative_ = b_.select(b_.less(half, least), half, b_.scalar(0, b_.dtype(half)));
}

Var Contributions::halves(Var x_weight, Var minus_x_weight) const {
  const Var first = linear_.product(x_plus_, x_weight);
  return x_minus_ ? b_.add(first, linear_.product(x_minus_, minus_x_weight)) : first;
}

Var Contributions::back(Var x_weight, Var minus_x_weight, Var s) const {
  const Var first = b_.mul(x_plus_, linear_.adjoint(x_weight, s));
  return x_minus_ ? b_.add(first, b_.mul(x_minus_, linear_.adjoint(minus_x_weight, s))) : first;
}

Var Contributions::share(Var p, Var n) {
  // A sum that rounding alone left has no contributions to pay.
  const auto paid = [&](Var s, Var half) { return b_.select(half, s, b_.scalar(0, b_.dtype(s))); };
  if (form_ == Form::two_forms)
    return share_two_forms(p ? paid(p, positive_) : Var{}, n ? paid(n, negative()) : Var{});
  if (n && form_ == Form::one_sign && !literal_) n = paid(n, negative());
  if (p && n && form_ == Form::one_sign)
    return b_.mul(x_plus_, b_.add(linear_.adjoint(w_plus_, p), linear_.adjoint(w_minus_, n)));
  const Var to_positive = p ? back(w_plus_, w_minus_, p) : Var{},
            to_negative = n ? back(w_minus_, w_plus_, n) : Var{};
  if (!to_positive || !to_negative) return to_positive ? to_positive : to_negative;
  return b_.add(to_positive, to_negative);
}

Var Contributions::share_two_forms(Var p, Var n) const {
  // P = (x w + |x| |w|) / 2 and N = (x w - |x| |w|) / 2, term by term:
  // p P + n N = x w (p + n) / 2 + |x| |w| (p - n) / 2
  const Var mean = b_.mul(p && n ? b_.add(p, n) : p ? p : n, 0.5);
  const Var half_gap = p && n ? b_.mul(b_.sub(p, n), 0.5) : p ? mean : b_.neg(mean);
  return b_.add(b_.mul(linear_.x(), linear_.adjoint(mean)),
                b_.mul(x_abs_, linear_.adjoint(w_abs_, half_gap)));
}

}  // namespace onnxray
