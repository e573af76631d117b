#include "core/fail.h"
#include "core/per_sample.h"
#include "rules/contributions.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

using Numbers = std::vector<double>;

/// One number, one per channel (axis 1) of x, or one per entry, in the shape of one sample of x.
Var like(Builder& b, const LinearView& linear, const Numbers& numbers, std::string_view name) {
  const Var x = linear.x();
  const Shape sample = linear.sample_shape();
  if (numbers.size() == 1) return b.filled(numbers[0], sample, b.dtype(x));
  const auto count = static_cast<int64_t>(numbers.size());
  const Shape entries = one_sample(b.shape(x), linear.samples_of_x());
  const int64_t channels = b.rank(x) > 1 ? b.shape(x)[1] : 1;
  require(count == channels || count == element_count(entries), ErrorCode::usage,
          "bounded: {} has {} numbers, the layer's input has {} channels and {} entries: give one number, or "
          "as many as "
          "either",
          name, count, channels, element_count(entries));
  Shape shape(b.rank(x), 1);
  if (b.rank(x) > 1) shape[1] = channels;
  if (count == channels)
    return b.broadcast(b.cast(b.constant(Tensor::of<double>(shape, numbers)), b.dtype(x)), sample);
  const Var one = b.cast(b.constant(Tensor::of<double>(entries, numbers)), b.dtype(x));
  const Var all = repeated(b, one, b.shape(x), linear.samples_of_x());
  Shape shared = *broadcast_shapes(b.shape(all), sample);
  return b.broadcast(all, std::move(shared));
}

class BoundedRule final : public Rule {
 public:
  BoundedRule(Numbers low, Numbers high, const Conventions& conventions)
      : low_(std::move(low)),
        high_(std::move(high)),
        stabiliser_(conventions.stabiliser),
        splits_(conventions.exact_splits) {}

  std::string name() const override {
    const auto text = [](const Numbers& numbers) {
      if (numbers.size() > 8) return fmt::format("[{} numbers]", numbers.size());
      return numbers.size() == 1 ? fmt::format("{:g}", numbers[0])
                                 : fmt::format("[{:g}]", fmt::join(numbers, ", "));
    };
    return fmt::format("bounded({}, {})", text(low_), text(high_));
  }

  void emit(NodeContext& context) const override {
    // D = x * w - l * w+ - h * w-,  s = R / safe(D)
    // R_in = x T(w, s) - l T(w+, s) - h T(w-, s)                          (z^B: Montavon et al. 2017)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var l = like(b, linear, low_, "low"), h = like(b, linear, high_, "high");
    takes_literal_terms(linear, splits_) ? emit_literal(context, linear, l, h)
                                         : emit_two_forms(context, linear, l, h);
  }

 private:
  void emit_literal(NodeContext& context, const LinearView& linear, Var l, Var h) const {
    Builder& b = context.b;
    const Var x = linear.x(), w_plus = b.max(linear.w(), 0.0), w_minus = b.min(linear.w(), 0.0);
    const Var bounds = b.add(linear.product(l, w_plus), linear.product(h, w_minus));
    const Var s = divided(context, linear.R(), b.sub(linear.z_without_bias(), bounds), stabiliser_);
    const Var at_bounds = b.add(b.mul(l, linear.adjoint(w_plus, s)), b.mul(h, linear.adjoint(w_minus, s)));
    linear.send(b.sub(b.mul(x, linear.adjoint(s)), at_bounds));
  }

  void emit_two_forms(NodeContext& context, const LinearView& linear, Var l, Var h) const {
    Builder& b = context.b;
    // With m = (l + h) / 2 and d = (h - l) / 2: D = x * w - (m * w - d * |w|), a constant in parentheses
    const Var w_abs = b.abs(linear.w()), d = b.mul(b.sub(h, l), 0.5);
    const Var m = b.mul(b.add(l, h), 0.5), centred = b.sub(linear.x(), m);
    const Var of_bounds = b.sub(linear.product(m, linear.w()), linear.product(d, w_abs));
    const Var D = b.sub(linear.z_without_bias(), of_bounds);
    const Var s = divided(context, linear.R(), D, stabiliser_);
    linear.send(b.add(b.mul(centred, linear.adjoint(s)), b.mul(d, linear.adjoint(w_abs, s))));
  }

  Numbers low_, high_;
  Conventions::Stabiliser stabiliser_;
  Conventions::Splits splits_;
};

Numbers bound(const RuleSpec& spec, std::string_view name, double fallback) {
  const auto it = spec.arrays.find(name);
  return it == spec.arrays.end() ? Numbers{spec.parameter(name, fallback)} : it->second;
}

}  // namespace

std::unique_ptr<Rule> make_bounded(const RuleSpec& spec, const Conventions& conventions) {
  Numbers low = bound(spec, "low", -1), high = bound(spec, "high", 1);
  for (size_t i = 0; i < std::max(low.size(), high.size()); ++i) {
    const double l = low[low.size() == 1 ? 0 : i], h = high[high.size() == 1 ? 0 : i];
    require(low.size() == 1 || high.size() == 1 || low.size() == high.size(), ErrorCode::usage,
            "bounded: low and high differ in length");
    require(l <= h, ErrorCode::usage, "bounded: low = {:g} is above high = {:g}", l, h);
  }
  return std::make_unique<BoundedRule>(std::move(low), std::move(high), conventions);
}

}  // namespace onnxray
