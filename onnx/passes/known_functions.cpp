#include "onnx/passes/known_functions.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "onnx/passes/constants.h"
#include "onnx/passes/pointwise.h"

namespace onnxray {

namespace {

constexpr double kFar = 1e6, kBelow = -40;  // e^-40 counts as 0 beside 1
// Here every operator that activations are written with is finite.
constexpr double kNear = 12;

/// A function by its values.
struct Samples {
  std::span<const double> xs, ys, numbers;

  double at(double x) const { return ys[static_cast<size_t>(std::ranges::find(xs, x) - xs.begin())]; }
};

/// A parameter that was computed from values: as the float that it is, where it is one.
double tidy(double v) {
  const double rounded = static_cast<float>(v);
  return std::abs(rounded - v) <= 1e-12 * std::abs(v) ? rounded : v;
}

using Choices = std::vector<Attributes>;

Choices when(bool holds, Attributes attributes = {}) {
  return holds ? Choices{std::move(attributes)} : Choices{};
}

/// An activation: what its parameters must be, if `f` is one. Several where corners do not tell.
struct Activation {
  std::string_view op;
  int64_t opset;
  Choices (*fit)(const Samples& f);
  // How far constants rounded to float move its small values, by |x|: tails that rest on cancellation.
  double slack = 0;
};

Choices fit_clip(const Samples& f) {
  const double low = f.at(-kFar), high = f.at(kFar);
  if (!(low < high) || (low == -kFar && high == kFar)) return {};
  Attributes bounds;
  if (low != -kFar) bounds["min"] = low;
  if (high != kFar) bounds["max"] = high;
  return {bounds};
}

Choices fit_leaky_relu(const Samples& f) {
  const double slope = -f.at(-1);
  return when(nearly(f.at(1), 1) && std::isfinite(slope) && slope != 1, {{"alpha", tidy(slope)}});
}

Choices fit_thresholded_relu(const Samples& f) {
  Choices choices;
  if (f.at(kFar) != kFar || f.at(-kFar) != 0) return choices;
  for (const double t : f.numbers) choices.push_back({{"alpha", t}});
  return choices;
}

/// max(0, min(1, alpha x + 1/2)): one in the middle, so that a bounded affine map is not taken for a gate.
Choices fit_hard_sigmoid(const Samples& f) {
  constexpr double kStep = 0.125;
  const double slope = (f.at(kStep) - 0.5) / kStep;
  return when(f.at(0) == 0.5 && f.at(kFar) == 1 && f.at(-kFar) == 0 && slope > 0,
              {{"alpha", tidy(slope)}, {"beta", 0.5}});
}

/// x > 0 ? x : alpha (e^x - 1), and alpha (e^(x / alpha) - 1)
Choices fit_elu(const Samples& f) {
  const double alpha = -f.at(kBelow);
  return when(nearly(f.at(1), 1) && alpha > 0 && alpha < -kBelow / 2, {{"alpha", tidy(alpha)}});
}

Choices fit_selu(const Samples& f) {
  const double gamma = f.at(1), alpha = -f.at(kBelow) / gamma;
  return when(gamma > 0 && alpha > 0 && nearly(f.at(kFar), gamma * kFar),
              {{"alpha", tidy(alpha)}, {"gamma", tidy(gamma)}});
}

/// x sigmoid(alpha x): sigmoid(alpha) = f(1) = 1 + f(-1)
Choices fit_swish(const Samples& f) {
  const double p = f.at(1), alpha = std::log(p / (1 - p));
  return when(p > 0 && p < 1 && std::abs(1 + f.at(-1) - p) < 1e-5 && alpha != 0, {{"alpha", tidy(alpha)}});
}

template <int64_t millionths>
Choices fit_value_at_1(const Samples& f) {
  return when(std::abs(f.at(1) - static_cast<double>(millionths) * 1e-6) < 2e-6);
}

Choices fit_gelu(const Samples& f) {
  if (!fit_value_at_1<841345>(f).empty()) return {{{"approximate", std::string("none")}}};
  return when(!fit_value_at_1<841192>(f).empty(), {{"approximate", std::string("tanh")}});
}

constexpr double kTail = 1e-7;

// Where several describe a function, the first does: Relu is also a Clip and a LeakyRelu.
constexpr Activation kActivations[] = {
    {"Relu", 14, [](const Samples& f) { return when(f.at(-1) == 0 && nearly(f.at(1), 1)); }},
    {"Abs", 13, [](const Samples& f) { return when(nearly(f.at(-1), 1) && nearly(f.at(1), 1)); }},
    {"Clip", 6, fit_clip},
    {"LeakyRelu", 16, fit_leaky_relu},
    {"ThresholdedRelu", 10, fit_thresholded_relu},
    {"HardSigmoid", 6, fit_hard_sigmoid, kTail},
    {"HardSwish", 14, fit_value_at_1<666667>, kTail},
    {"Sigmoid", 13, fit_value_at_1<731059>},
    {"Tanh", 13, fit_value_at_1<761594>},
    {"Softsign", 1, fit_value_at_1<500000>},
    {"Softplus", 1, fit_value_at_1<1313262>},
    {"Elu", 6, fit_elu},
    {"Celu", 12, fit_elu},
    {"Selu", 6, fit_selu},
    {"Gelu", 20, fit_gelu, kTail},
    {"Mish", 18, fit_value_at_1<865098>, kTail},
    {"Swish", 24, fit_swish, kTail},
};

/// Whether f is g to the precision of float. What g sends to 0 exactly, f must. Far out, where the operators
/// of f may overflow, infinities and NaN are passed over.
bool agree(const Samples& f, std::span<const double> g, double slack) {
  constexpr double kRelative = 1e-6, kRounding = 3e-16;
  for (size_t i = 0; i < f.xs.size(); ++i) {
    const double size = std::abs(f.xs[i]);
    if (!std::isfinite(f.ys[i]) && size > kNear) continue;
    const double bound = g[i] == 0 ? kRounding * size : kRelative * std::abs(g[i]) + slack * size + kRounding;
    if (!(std::abs(f.ys[i] - g[i]) <= bound)) return false;
  }
  return true;
}

}  // namespace

std::vector<double> places_to_look(std::span<const double> numbers) {
  std::vector<double> xs{0, kBelow, 2 * kBelow, 0.125};
  const auto both = [&](double x) {
    xs.push_back(x);
    xs.push_back(-x);
  };
  both(1);
  both(kFar);
  for (double x = 1e-6; x < kFar; x *= 2.9) both(x);
  for (double x = 0.05; x < kNear; x += 0.173) both(x);
  for (const double number : numbers) {
    for (const double near : {0.5, 0.99, 1.0, 1.01, 2.0}) {
      if (std::isfinite(static_cast<float>(number * near)) && number != 0) both(number * near);
    }
  }
  return xs;
}

std::optional<KnownFunction> known_function(std::span<const double> xs, std::span<const double> ys,
                                            std::span<const double> numbers, Backend& folder) {
  const Samples f{xs, ys, numbers};
  for (const Activation& activation : kActivations) {
    for (Attributes& attributes : activation.fit(f)) {
      Node node{.op = std::string(activation.op),
                .opset = activation.opset,
                .domain = {},
                .attributes = attributes,
                .inputs = {0},
                .outputs = {1},
                .origin = {}};
      if (agree(f, values_at(node, xs, folder), activation.slack))
        return KnownFunction{std::move(node.op), node.opset, std::move(attributes)};
    }
  }
  return std::nullopt;
}

std::optional<double> slope_of_leaky_relu(std::span<const double> xs, std::span<const double> ys) {
  const Samples f{xs, ys, {}};
  const double slope = -f.at(-1);
  std::vector<double> g;
  for (const double x : xs) g.push_back(x > 0 ? x : slope * x);
  return std::isfinite(slope) && agree(f, g, 0) ? std::optional(tidy(slope)) : std::nullopt;
}

}  // namespace onnxray
