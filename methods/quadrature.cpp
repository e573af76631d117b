#include "methods/quadrature.h"

#include <cmath>
#include <numbers>

#include "core/fail.h"

namespace onnxray {

namespace {

struct Legendre {
  double value = 0, derivative = 0;
};

/// P_n(t) and P_n'(t) by the three-term recurrence.
Legendre legendre(int64_t n, double t) {
  double before = 1, now = t;
  for (int64_t k = 2; k <= n; ++k) {
    const auto order = static_cast<double>(k);
    const double next = ((2 * order - 1) * t * now - (order - 1) * before) / order;
    before = now;
    now = next;
  }
  return {now, static_cast<double>(n) * (t * now - before) / (t * t - 1)};
}

Quadrature gauss_legendre(int64_t n) {
  constexpr int64_t kMost = 10'000;  // work grows with the square
  require(n <= kMost, ErrorCode::usage, "gauss_legendre takes at most {} steps, not {}", kMost, n);
  if (n == 1) return {{0.5}, {1}};
  Quadrature rule;
  for (int64_t i = n; i-- > 0;) {
    // Roots of P_n by Newton's method from an estimate that is good to O(n^-2).
    double t = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (static_cast<double>(n) + 0.5));
    for (int iteration = 0; iteration < 100; ++iteration) {
      const Legendre p = legendre(n, t);
      const double step = p.value / p.derivative;
      t -= step;
      if (std::fabs(step) < 1e-16) break;
    }
    const double slope = legendre(n, t).derivative;
    rule.points.push_back((1 + t) / 2);
    rule.weights.push_back(1 / ((1 - t * t) * slope * slope));
  }
  return rule;
}

/// Equally spaced points `first + i * spacing`, all weighing the same.
Quadrature evenly(int64_t n, double first, double spacing) {
  Quadrature rule;
  for (int64_t i = 0; i < n; ++i) {
    rule.points.push_back(first + static_cast<double>(i) * spacing);
    rule.weights.push_back(1 / static_cast<double>(n));
  }
  return rule;
}

}  // namespace

Quadrature quadrature(Conventions::Quadrature kind, int64_t n) {
  using Kind = Conventions::Quadrature;
  const auto count = static_cast<double>(n);
  switch (kind) {
    // A single point is the input itself.
    case Kind::mean_endpoints: return n == 1 ? evenly(1, 1, 0) : evenly(n, 0, 1 / (count - 1));
    case Kind::left: return evenly(n, 0, 1 / count);
    case Kind::right: return evenly(n, 1 / count, 1 / count);
    case Kind::midpoint: return evenly(n, 0.5 / count, 1 / count);
    case Kind::gauss_legendre: return gauss_legendre(n);
    case Kind::trapezoid: break;
  }
  Quadrature rule = evenly(n + 1, 0, 1 / count);
  for (double& weight : rule.weights) weight = 1 / count;
  rule.weights.front() = rule.weights.back() = 0.5 / count;
  return rule;
}

}  // namespace onnxray
