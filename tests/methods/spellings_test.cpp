#include "tests/catch.h"
#include "tests/methods/conformance.h"

// A map must not depend on how an exporter spelled the model: nets that compute the same, written in several
// ways, have the same maps by every kind of method.

namespace onnxray::test {
namespace {

/// Two spellings agree to rounding: constants are multiplied out in another order.
constexpr double kRounding = 1e-9;

using Write = std::function<ValueId(GraphBuilder&, ValueId)>;

/// Conv - `write` - Relu - MaxPool - `write` - Gemm, of 4 channels, in NCHW.
Graph written_twice(const Write& write, const PassOptions& options) {
  GraphBuilder g;
  ValueId v =
      g.conv(g.input("x", {1, 3, 5, 5}), g.constant(hashed({4, 3, 3, 3}, 1)), g.constant(hashed({4}, 2)));
  v = g.max_pool(g.relu(write(g, v)));
  return g.build(
      {g.dense(g.flatten(write(g, v)), g.constant(hashed({16, 3}, 3)), g.constant(hashed({3}, 4)))}, options);
}

/// scale, bias, mean and variance of a BatchNormalization of 4 channels, as [4] followed by ones.
struct Parameters {
  ValueId scale, bias, mean, variance;
  Parameters(GraphBuilder& g, const Shape& shape) {
    scale = g.constant(hashed(shape, 5));
    bias = g.constant(hashed(shape, 6));
    mean = g.constant(hashed(shape, 7));
    variance = g.constant(shape, {0.5, 1.25, 2, 0.75});
  }
};

constexpr double kEpsilon = 1e-3;

ValueId batch_norm(GraphBuilder& g, ValueId x) {
  const Parameters p(g, {4});
  return g.node("BatchNormalization", {x, p.scale, p.bias, p.mean, p.variance}, {{"epsilon", kEpsilon}});
}

/// (x - mean) / sqrt(variance + eps) * scale + bias, one node after the other.
ValueId written_out(GraphBuilder& g, ValueId x, const Shape& shape) {
  const Parameters p(g, shape);
  const ValueId deviation = g.node("Sqrt", {g.node("Add", {p.variance, g.constant({}, {kEpsilon})})});
  ValueId y = g.node("Div", {g.node("Sub", {x, p.mean}), deviation});
  return g.node("Add", {p.bias, g.node("Mul", {y, p.scale})});
}

/// The same in NHWC.
ValueId channels_last(GraphBuilder& g, ValueId x) {
  using Ints = std::vector<int64_t>;
  const ValueId last = g.node("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}});
  return g.node("Transpose", {written_out(g, last, {4})}, {{"perm", Ints{0, 3, 1, 2}}});
}

/// factor * x + offset, the mean multiplied out.
ValueId multiplied_out(GraphBuilder& g, ValueId x) {
  const Parameters p(g, {1, 4, 1, 1});
  const ValueId factor =
      g.node("Div", {p.scale, g.node("Sqrt", {g.node("Add", {p.variance, g.constant({}, {kEpsilon})})})});
  const ValueId offset = g.node("Sub", {p.bias, g.node("Mul", {p.mean, factor})});
  return g.node("Add", {g.node("Mul", {factor, x}), offset});
}

TEST_CASE("a BatchNormalization written out in constants has the maps of BatchNormalization") {
  const Tensor x = hashed({1, 3, 5, 5}, 8);
  const auto check = [&](const std::string& method, const std::string& convention, bool fold,
                         const Write& write) {
    const PassOptions options{.fold_batchnorm = fold};
    const auto map = [&](const Write& w) {
      return explain_under(convention, written_twice(w, options), method, x, 1);
    };
    INFO(method << " under " << convention);
    CHECK(difference(map(write), map(batch_norm)) < kRounding);
  };
  const auto three_axes = [](GraphBuilder& g, ValueId v) { return written_out(g, v, {4, 1, 1}); };
  for (const std::string method : {"gradient", "lrp_epsilon_0_1", "lrp_z_plus", "lrp_alpha_2_beta_1",
                                   "lrp_gamma", "lrp_flat", "lrp:composite=epsilon_plus_flat"}) {
    for (const std::string convention : {"signxai", "zennit"}) {
      for (const Write& write : {Write(three_axes), Write(channels_last), Write(multiplied_out)})
        check(method, convention, true, write);
    }
  }
  // The rules for a BatchNormalization of its own; all but affine_z do not tell a mean from a bias.
  for (const std::string choice : {"affine_z", "fused", "pass"}) {
    for (const std::string method : {"lrp_epsilon_0_1", "lrp_z_plus"}) {
      check(method + ":batchnorm=" + choice, "signxai", false, three_axes);
      check(method + ":batchnorm=" + choice, "signxai", false, channels_last);
      if (choice != "affine_z") check(method + ":batchnorm=" + choice, "signxai", false, multiplied_out);
    }
  }
}

}  // namespace
}  // namespace onnxray::test
