#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/explain.h"

namespace onnxray::test {
namespace {

const char* const kMethods[] = {"gradient",
                                "input_t_gradient",
                                "gradient_x_sign",
                                "gradient_x_sign_mu_0_1",
                                "guided_backprop",
                                "deconvnet",
                                "integrated_gradients",
                                "smoothgrad_samples_4",
                                "smoothgrad_squared_samples_4",
                                "vargrad_samples_4",
                                "lrp_z",
                                "lrp_epsilon_0_1",
                                "lrp_epsilon_0_25_std_x",
                                "lrp_alpha_1_beta_0",
                                "lrp_alpha_2_beta_1",
                                "lrp_gamma",
                                "lrp_flat",
                                "lrp_w_square",
                                "lrp_z_plus",
                                "lrp_z_plus_fast",
                                "lrp_sequential_composite_a",
                                "lrp_sequential_composite_b",
                                "lrpsign_z",
                                "lrpsign_epsilon_0_1",
                                "lrpsign_epsilon_0_25_std_x",
                                "lrpsign_epsilon_0_1_mu_0_1",
                                "lrpsign_alpha_1_beta_0",
                                "lrpz_epsilon_0_1",
                                "w2lrp_z",
                                "flatlrp_z",
                                "zblrp_z:low=-1,high=1",
                                "deep_taylor",
                                "random_uniform",
                                "grad_cam"};

Tensor attribution(Session& session, const std::string& method, const Tensor& x) {
  return session.explain(x, {.method = method, .target = Target::index(1)}).attribution;
}

TEST_CASE("oneDNN agrees with the reference backend on every method") {
  for (const bool is_residual : {false, true}) {
    const Model model = ModelFile(is_residual ? residual() : classifier()).load();
    Session fast(model, {.backend = "onednn", .threads = 2}),
        exact(model, {.backend = "reference", .precision = "double"});
    for (const std::string method : kMethods) {
      INFO(method << (is_residual ? ", residual net" : ", classifier"));
      const Tensor a = attribution(fast, method, image(2)), b = attribution(exact, method, image(2));
      // fp32 rounding through the depth; quotients with small denominators lose two or three digits of seven.
      for (int64_t i = 0; i < 2; ++i) CHECK(difference(sample(a, i), sample(b, i)) < 1e-4);
    }
  }
}

TEST_CASE("the number of threads does not change an explanation") {
  const Model model = ModelFile(classifier()).load();
  Session one(model, {.backend = "onednn", .threads = 1}), two(model, {.backend = "onednn", .threads = 2});
  // Threads share out independent sums; a kernel may still be chosen by their number.
  CHECK(difference(one.explain(image(2), {.method = "lrp_epsilon_0_1"}).attribution,
                   two.explain(image(2), {.method = "lrp_epsilon_0_1"}).attribution) < 1e-5);
}

}  // namespace
}  // namespace onnxray::test
