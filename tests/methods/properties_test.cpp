#include <cmath>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"
#include "tests/support/method_cases.h"

// What must hold of every method, whatever the implementation to compare with.

namespace onnxray::test {
namespace {

using Texts = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Texts all_but(Texts texts, std::initializer_list<const char*> parts) {
  std::erase_if(texts, [&](const std::string& text) {
    return std::ranges::any_of(parts, [&](const char* part) { return contains(text, part); });
  });
  return texts;
}

/// LRP by every rule, composite and switch.
Texts relevance_cases(NetKind kind, std::initializer_list<const char*> without = {}) {
  Texts texts = method_cases(kind);
  std::erase_if(texts, [](const std::string& text) { return !contains(text, "lrp"); });
  return all_but(std::move(texts), without);
}

/// Each sample alone against its place in a batch of three.
template <class Same>
void check_batch(Backend& backend, const Net& single, const Net& batch, NetKind kind, Same same) {
  const Texts methods = all_but(method_cases(kind), {"std_x=batch"});  // which mixes samples, as 1.x does
  const auto together = explain_together(backend, batch.graph, methods, batch.x, target_index({1}));
  for (int64_t i = 0; i < 3; ++i) {
    const auto alone =
        explain_together(backend, single.graph, methods, sample(batch.x, i), target_index({1}));
    for (size_t m = 0; m < methods.size(); ++m) {
      INFO(methods[m] << ", sample " << i);
      same(sample(together[m], i), alone[m]);
    }
  }
}

TEST_CASE("batch equals single, by every method: to the bit on reference, to 1e-5 on onednn") {
  const auto bitwise = [](const Tensor& a, const Tensor& b) { CHECK(a.to_doubles() == b.to_doubles()); };
  // Another batch may choose other kernels, which sum in another order; a quotient with a small denominator
  // magnifies that, by as much as the methods of the comparison between backends.
  const auto close = [](const Tensor& a, const Tensor& b) { CHECK(difference(a, b) < 1e-5); };
  const auto reference = make_reference_backend(true), onednn = make_onednn_backend(2);
  check_batch(*reference, residual_net(), residual_net({.batch = 3}), NetKind::images, bitwise);
  check_batch(*reference, series_net(), series_net({.batch = 3}), NetKind::series, bitwise);
  check_batch(*onednn, residual_net(), residual_net({.batch = 3}), NetKind::images, close);
  check_batch(*onednn, series_net(), series_net({.batch = 3}), NetKind::series, close);
}

TEST_CASE("relevance is linear in R, under every rule") {
  // Guided rules and relu(f) clip what arrives.
  const Texts methods =
      relevance_cases(NetKind::series, {"composite=guided", "composite=deconvnet", "random"});
  const Net net = series_net();
  const auto backend = make_reference_backend(true);
  const auto from = [&](const std::vector<double>& R) {
    return explain_together(*backend, net.graph, methods, net.x, target_mask(Tensor::of<double>({1, 4}, R)));
  };
  const auto p = from({1, 0, .5, 0}), q = from({0, -1, 0, 2}), mixed = from({2, 3, 1, -6});
  for (size_t m = 0; m < methods.size(); ++m) {
    INFO(methods[m]);
    // Sums in double, of terms that may be larger than what they add up to.
    CHECK(difference(mixed[m], zip(p[m], q[m], [](double a, double b) { return 2 * a - 3 * b; })) < 1e-9);
  }
}

TEST_CASE("lrpz_B is |x| lrpsign_B, under every base rule B") {
  const auto backend = make_reference_backend(true);
  for (const auto& [name, net] :
       {std::pair<std::string, Net>{"convolutions", conv_net()}, {"series", series_net()}}) {
    Texts z, sign;
    for (const std::string& text : relevance_cases(NetKind::series)) {
      if (!text.starts_with("lrpz_")) continue;
      z.push_back(text);
      sign.push_back("lrpsign_" + text.substr(5));
    }
    CHECK(z.size() > 10);
    const auto with_z = explain_together(*backend, net.graph, z, net.x, target_index({1}));
    const auto with_sign = explain_together(*backend, net.graph, sign, net.x, target_index({1}));
    for (size_t m = 0; m < z.size(); ++m) {
      INFO(name << ", " << z[m]);
      // x = |x| sgn(x) holds exactly in floating point.
      const auto scaled = zip(net.x, with_sign[m], [](double x, double r) { return std::fabs(x) * r; });
      CHECK(difference(scaled, with_z[m]) < 1e-15);
    }
  }
}

TEST_CASE("gamma to infinity is z+ with its bias, through a net of rectifiers") {
  for (const auto& [name, net] :
       {std::pair<std::string, Net>{"convolutions", conv_net()}, {"D", model_d()}}) {
    for (const int64_t target : {0, 1}) {
      const Results results =
          explain_results(net.graph, "lrp_gamma_1000000000", {net.x}, target_index({target}));
      // A negative output shares with its negative contributions.
      if (results.at("score:0").as_double(0) <= 0) continue;
      INFO(name << ", target " << target);
      // The limit is reached as 1 / gamma.
      CHECK(difference(results.at("attribution:0:0:0"),
                       explain(net.graph, "lrp_z_plus:zplus_bias=include", net.x, target)) < 1e-7);
    }
  }
}

/// Conv - Relu twice and a dense layer; the second convolution has the weights of the first, or a copy.
Net twice(bool shared) {
  GraphBuilder g;
  const Tensor weights = hashed({3, 3, 3, 3}, 21), bias = hashed({3}, 22, .3);
  const ValueId w = g.constant(weights), b = g.constant(bias);
  const ValueId first = g.relu(g.conv(g.input("x", {1, 3, 4, 4}), w, b));
  const ValueId second =
      g.relu(shared ? g.conv(first, w, b) : g.conv(first, g.constant(weights), g.constant(bias)));
  const ValueId out =
      g.dense(g.flatten(second), g.constant(hashed({48, 3}, 23, .3)), g.constant(hashed({3}, 24)));
  return {g.build({out}), hashed({1, 3, 4, 4}, 25)};
}

TEST_CASE("a module that is used twice is two copies of it, under every method") {
  const Texts methods = method_cases(NetKind::images);
  const auto backend = make_reference_backend(true);
  const Net tied = twice(true), copied = twice(false);
  const auto a = explain_together(*backend, tied.graph, methods, tied.x, target_index({1}));
  const auto b = explain_together(*backend, copied.graph, methods, copied.x, target_index({1}));
  for (size_t m = 0; m < methods.size(); ++m) {
    INFO(methods[m]);
    CHECK(a[m].to_doubles() == b[m].to_doubles());
  }
}

}  // namespace
}  // namespace onnxray::test
