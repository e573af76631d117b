#include "rules/conventions.h"

#include <array>
#include <charconv>

#include "core/fail.h"
#include "core/number_range.h"

namespace onnxray {

namespace {

/// Of integrated gradients, and samples of SmoothGrad and its kin: tables of them are made beforehand.
constexpr double kMostSteps = 100'000;

/// Turns a switch to text and back. Choices are in the order of the enumerators.
template <class Enum, size_t N>
struct Choices {
  Enum Conventions::*member;
  std::array<std::string_view, N> names;

  std::string list() const { return fmt::format("{}", fmt::join(names, "|")); }
  std::string get(const Conventions& c) const { return std::string(names[static_cast<size_t>(c.*member)]); }
  bool set(Conventions& c, std::string_view value) const {
    for (size_t i = 0; i < N; ++i) {
      if (names[i] != value) continue;
      c.*member = static_cast<Enum>(i);
      return true;
    }
    return false;
  }
};

template <class Number>
struct Numeric {
  Number Conventions::*member;
  NumberRange range;

  std::string list() const { return range.text(); }
  std::string get(const Conventions& c) const { return fmt::format("{}", c.*member); }
  bool set(Conventions& c, std::string_view value) const {
    double number{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || !range.holds(number)) return false;
    c.*member = static_cast<Number>(number);
    return true;
  }
};

struct Flag {
  bool Conventions::*member;
  std::string_view off, on;

  std::string list() const { return fmt::format("{}|{}", off, on); }
  std::string get(const Conventions& c) const { return std::string(c.*member ? on : off); }
  bool set(Conventions& c, std::string_view value) const {
    if (value != on && value != off) return false;
    c.*member = value == on;
    return true;
  }
};

/// Calls visit(name, handler) for every switch until it returns true.
template <class Visit>
bool any_switch(Visit visit) {
  using C = Conventions;
  return visit("seed_value", Choices<C::SeedValue, 3>{&C::seed_value, {"by_method", "one", "logit"}}) ||
         visit("stabiliser", Choices<C::Stabiliser, 2>{&C::stabiliser, {"safe", "signed"}}) ||
         visit("alphabeta_bias",
               Choices<C::AlphaBetaBias, 4>{&C::alphabeta_bias, {"auto", "split", "both", "ignore"}}) ||
         visit("zplus_bias", Choices<C::HalfBias, 2>{&C::zplus_bias, {"ignore", "include"}}) ||
         visit("wsquare_bias", Choices<C::HalfBias, 2>{&C::wsquare_bias, {"ignore", "include"}}) ||
         visit("batchnorm",
               Choices<C::BatchNorm, 5>{&C::batchnorm,
                                        {"fold", "affine_z", "fused", "pass", "fold_or_pass"}}) ||
         visit("add", Choices<C::SumRule, 2>{&C::add, {"proportional", "norm"}}) ||
         visit("avgpool", Choices<C::SumRule, 2>{&C::avgpool, {"proportional", "norm"}}) ||
         visit("deep_taylor", Choices<C::DeepTaylor, 2>{&C::deep_taylor, {"epsilon", "zplus"}}) ||
         visit("ig_quadrature", Choices<C::Quadrature, 6>{&C::ig_quadrature,
                                                          {"mean_endpoints", "trapezoid", "left", "right",
                                                           "midpoint", "gauss_legendre"}}) ||
         visit("steps", Numeric<int64_t>{&C::steps, whole_numbers(1, kMostSteps)}) ||
         visit("noise", Choices<C::NoiseScale, 2>{&C::noise, {"absolute", "range"}}) ||
         visit("noise_scale", Numeric<double>{&C::noise_scale, {0, kLargestNumber}}) ||
         visit("samples", Numeric<int64_t>{&C::samples, whole_numbers(1, kMostSteps)}) ||
         visit("clean_sample", Flag{&C::clean_sample_last, "none", "last"}) ||
         visit("sign_of_zero", Numeric<int64_t>{&C::sign_of_zero, whole_numbers(0, 1)}) ||
         visit("gate", Choices<C::Gate, 2>{&C::gate, {"signal", "uniform"}}) ||
         visit("std_x", Choices<C::StdX, 2>{&C::std_x, {"per_sample", "batch"}}) ||
         visit("exact_splits", Choices<C::Splits, 3>{&C::exact_splits, {"auto", "false", "true"}});
}

Conventions zennit() {
  using C = Conventions;
  Conventions c;
  c.name = "zennit";
  c.seed_value = C::SeedValue::one;
  c.stabiliser = C::Stabiliser::with_sign;
  c.alphabeta_bias = C::AlphaBetaBias::split;
  c.zplus_bias = c.wsquare_bias = C::HalfBias::include;
  c.batchnorm = C::BatchNorm::fold_or_pass;
  c.add = c.avgpool = C::SumRule::norm;
  c.ig_quadrature = C::Quadrature::right;
  c.steps = 20;
  c.noise = C::NoiseScale::range;
  c.noise_scale = 0.1;
  c.samples = 20;
  c.clean_sample_last = true;
  return c;
}

Conventions innvestigate() {
  using C = Conventions;
  Conventions c;
  c.name = "innvestigate";
  c.alphabeta_bias = C::AlphaBetaBias::both;
  c.batchnorm = C::BatchNorm::fused;
  c.deep_taylor = C::DeepTaylor::zplus;
  c.ig_quadrature = C::Quadrature::left;
  c.steps = 64;
  c.noise_scale = 1;
  c.samples = 64;
  return c;
}

}  // namespace

Conventions convention(std::string_view name) {
  if (name == "signxai" || name.empty()) return {};
  if (name == "zennit") return zennit();
  if (name == "innvestigate") return innvestigate();
  fail(ErrorCode::usage, "unknown convention '{}'; the choices are signxai, zennit and innvestigate", name);
}

bool set_switch(Conventions& conventions, std::string_view name, std::string_view value) {
  return any_switch([&](std::string_view known, const auto& handler) {
    if (known != name) return false;
    require(handler.set(conventions, value), ErrorCode::usage, "{}={}: expected {}", name,
            value.substr(0, 40), handler.list());
    return true;
  });
}

std::vector<SwitchInfo> list_switches(const Conventions& conventions) {
  std::vector<SwitchInfo> all;
  any_switch([&](std::string_view name, const auto& handler) {
    all.push_back({std::string(name), handler.list(), handler.get(conventions)});
    return false;
  });
  return all;
}

}  // namespace onnxray
