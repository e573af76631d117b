#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onnxray {

/// The points where the literature's reference implementations differ (docs/conventions.md). A convention is
/// a preset of all of them; each can be set alone. Defaults are those of SIGN-XAI 1.x, without its defects.
struct Conventions {
  enum class SeedValue : uint8_t { by_method, one, logit };
  enum class Stabiliser : uint8_t { safe, with_sign };  ///< 1e-7 where 0, else z; or z + 1e-6 sgn(z)
  enum class AlphaBetaBias : uint8_t { automatic, split, both, ignore };
  enum class HalfBias : uint8_t { ignore, include };  ///< z+: b+ in the denominator; w^2: b^2
  /// One that cannot be folded shares like a sum with a bias; under fold_or_pass it passes relevance on.
  enum class BatchNorm : uint8_t { fold, affine_z, fused, pass, fold_or_pass };
  enum class SumRule : uint8_t { proportional, norm };
  enum class DeepTaylor : uint8_t { epsilon, zplus };
  enum class Quadrature : uint8_t { mean_endpoints, trapezoid, left, right, midpoint, gauss_legendre };
  enum class NoiseScale : uint8_t { absolute, range };
  enum class Gate : uint8_t { signal, uniform };  ///< signal * gate: the signal takes all, or each half
  enum class StdX : uint8_t { per_sample, batch };
  /// Positive and negative contributions by the two-form identity (half the passes), by their literal four
  /// terms (the oracle), or whichever suits the layer.
  enum class Splits : uint8_t { automatic, two_forms, literal };

  std::string name = "signxai";
  SeedValue seed_value = SeedValue::by_method;
  Stabiliser stabiliser = Stabiliser::safe;
  AlphaBetaBias alphabeta_bias = AlphaBetaBias::automatic;
  HalfBias zplus_bias = HalfBias::ignore, wsquare_bias = HalfBias::ignore;
  BatchNorm batchnorm = BatchNorm::fold;
  SumRule add = SumRule::proportional, avgpool = SumRule::proportional;
  DeepTaylor deep_taylor = DeepTaylor::epsilon;
  Quadrature ig_quadrature = Quadrature::mean_endpoints;
  int64_t steps = 50;
  NoiseScale noise = NoiseScale::absolute;
  double noise_scale = 0.2;
  int64_t samples = 50;
  bool clean_sample_last = false;
  int64_t sign_of_zero = 1;  ///< +1, or 0 as SignXAI2
  Gate gate = Gate::signal;
  StdX std_x = StdX::per_sample;
  Splits exact_splits = Splits::automatic;

  bool operator==(const Conventions&) const = default;
};

/// signxai, zennit or innvestigate. Throws Error(usage) that lists them.
Conventions convention(std::string_view name);
/// Sets one switch by its name in docs/conventions.md. False where no switch has that name; Error(usage) on a
/// bad value.
bool set_switch(Conventions& conventions, std::string_view name, std::string_view value);
/// Name, choices and the current value of every switch.
struct SwitchInfo {
  std::string name, choices, value;
};
std::vector<SwitchInfo> list_switches(const Conventions& conventions);

}  // namespace onnxray
