#include "methods/method_name.h"

#include <cmath>
#include <fstream>

#include "methods/method_spec.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

using Family = MethodName::Family;

RuleSpec rule_of(const std::string& name) {
  const MethodName method = parse_method_name(name);
  REQUIRE(method.family == Family::lrp);
  REQUIRE(method.rule.has_value());
  return *method.rule;
}

double number_of(const std::string& name, const std::string& parameter) {
  return rule_of(name).parameter(parameter, NAN);
}

TEST_CASE("the decimals of a number in a name are verbatim") {
  CHECK(number_of("lrp_epsilon_0_001", "epsilon") == 0.001);
  CHECK(number_of("lrp_epsilon_0_01", "epsilon") == 0.01);
  CHECK(number_of("lrp_epsilon_0_25", "epsilon") == 0.25);
  CHECK(number_of("lrp_epsilon_100", "epsilon") == 100);
  CHECK(number_of("lrp_epsilon_3_std_x", "factor") == 3);
  CHECK(number_of("lrp_gamma_0_5", "gamma") == 0.5);
  CHECK(number_of("lrp_gamma", "gamma") == 0.25);
  CHECK(number_of("lrp_alpha_1_5_beta_0_5", "alpha") == 1.5);
  CHECK(number_of("lrp_alpha_1_5_beta_0_5", "beta") == 0.5);
}

TEST_CASE("an LRP name carries the rule of the linear layers") {
  CHECK(rule_of("lrp_z").rule == "z");
  CHECK(rule_of("lrp_epsilon_1").rule == "epsilon");
  CHECK(rule_of("lrp_epsilon_1_std_x").rule == "epsilon_std_x");
  CHECK(rule_of("lrp_alpha_2_beta_1").rule == "alpha_beta");
  CHECK(rule_of("lrp_flat").rule == "flat");
  CHECK(rule_of("lrp_w_square").rule == "w_square");
  CHECK(rule_of("lrp_z_plus").rule == "z_plus");
  CHECK(rule_of("lrp_z_plus_fast").rule == "z_plus_fast");
  CHECK(parse_method_name("lrp_sequential_composite_a").composite == "sequential_composite_a");
  CHECK_FALSE(parse_method_name("lrp").rule.has_value());
}

TEST_CASE("the prefix of an LRP name is the rule of the input layer") {
  CHECK(parse_method_name("lrp_z").input_rule.empty());
  CHECK(parse_method_name("lrpsign_z").input_rule == "sign");
  CHECK(parse_method_name("lrpz_epsilon_1").input_rule == "z");
  CHECK(parse_method_name("w2lrp_alpha_1_beta_0").input_rule == "w_square");
  CHECK(parse_method_name("flatlrp_sequential_composite_b").input_rule == "flat");
  const MethodName bounded = parse_method_name("zblrp_epsilon_10_VGG16ILSVRC");
  CHECK(bounded.input_rule == "bounded");
  CHECK(bounded.model == "VGG16ILSVRC");
  CHECK(bounded.rule->parameter("epsilon", 0) == 10);
}

TEST_CASE("a threshold behind a SIGN name belongs to the input layer") {
  const MethodName method = parse_method_name("lrpsign_epsilon_0_25_std_x_mu_neg_0_5");
  CHECK(method.rule->rule == "epsilon_std_x");
  CHECK(method.rule->parameter("factor", 0) == 0.25);
  CHECK(method.input_mu == -0.5);
  CHECK_FALSE(method.modifiers.x_sign);
  CHECK(parse_method_name("lrpsign_epsilon_100_mu_0").input_mu == 0);
}

TEST_CASE("modifiers multiply any method") {
  const Modifiers all = parse_method_name("gradient_x_input_x_sign_mu_neg_0_5").modifiers;
  CHECK(all.x_input);
  CHECK(all.x_sign);
  CHECK(all.mu == -0.5);
  CHECK(parse_method_name("gradient_x_sign_mu").modifiers.mu == 0);
  CHECK_FALSE(parse_method_name("gradient_x_sign").modifiers.mu.has_value());
  CHECK(parse_method_name("input_t_gradient").modifiers.x_input);
  CHECK(parse_method_name("lrp_z_x_sign").modifiers.x_sign);
  CHECK(parse_method_name("deconvnet_x_sign_mu_0_5").modifiers.mu == 0.5);
}

TEST_CASE("gradient names carry their steps, samples and noise") {
  CHECK(parse_method_name("integrated_gradients_steps_20").steps == 20);
  const MethodName noisy = parse_method_name("smoothgrad_noise_0_3_samples_50_x_input");
  CHECK(noisy.noise == 0.3);
  CHECK(noisy.samples == 50);
  CHECK(noisy.modifiers.x_input);
  CHECK(parse_method_name("smoothgrad_squared").family == Family::smoothgrad_squared);
  CHECK(parse_method_name("vargrad_samples_7").samples == 7);
}

TEST_CASE("the other families and SignXAI's aliases have names") {
  CHECK(parse_method_name("grad_cam_timeseries").timeseries);
  CHECK(parse_method_name("gradcam").family == Family::grad_cam);
  CHECK(parse_method_name("GradCAM").family == Family::grad_cam);
  CHECK(parse_method_name("guided_grad_cam_VGG16MITPL365").model == "VGG16MITPL365");
  CHECK(parse_method_name("deep_taylor").family == Family::deep_taylor);
  CHECK(parse_method_name("deep_taylor_bounded").family == Family::deep_taylor_bounded);
  CHECK(parse_method_name("occlusion").family == Family::occlusion);
  CHECK(parse_method_name("random_uniform").family == Family::random_uniform);
  CHECK(parse_method_name("integratedgradients").family == Family::integrated_gradients);
  CHECK(parse_method_name("guided_backpropagation_x_sign").family == Family::guided_backprop);
  CHECK(parse_method_name("deconvolution").family == Family::deconvnet);
  CHECK(parse_method_name("gradients").family == Family::gradient);
}

TEST_CASE("the names of iNNvestigate's analyzers are names") {
  CHECK(parse_method_name("lrp.epsilon").rule == RuleSpec{"epsilon", {{"epsilon", 1e-7}}});
  CHECK(parse_method_name("lrp.z_IB").rule == RuleSpec{"z", {{"bias", 0}}});
  CHECK(parse_method_name("lrp.alpha_2_beta_1_IB").rule ==
        RuleSpec{"alpha_beta", {{"alpha", 2}, {"beta", 1}, {"bias", 0}}});
  CHECK(parse_method_name("lrp.sequential_preset_b_flat").composite == "sequential_preset_b_flat");
  CHECK(parse_method_name("deep_taylor.bounded").family == Family::deep_taylor_bounded);
  for (const char* name :
       {"lrp.z", "lrp.z_plus", "lrp.z_plus_fast", "lrp.w_square", "lrp.flat", "lrp.gamma", "lrp.stdxepsilon",
        "lrp.epsilon_IB", "lrp.alpha_beta", "lrp.alpha_1_beta_0", "lrp.alpha_1_beta_0_IB",
        "lrp.alpha_2_beta_1", "lrp.sequential_composite_a", "lrp.sequential_composite_b",
        "lrp.sequential_preset_a", "lrp.sequential_preset_a_flat", "lrp.sequential_preset_b",
        "lrp.sequential_preset_b_flat_until_idx", "lrp.rule_until_index"})
    CHECK_NOTHROW(parse_method_name(name));
  CHECK_THROWS(parse_method_name("lrp.epsilon_0_1"));
  CHECK_THROWS(parse_method_name("lrp."));
}

TEST_CASE("all 152 names of SIGN-XAI 1.x resolve") {
  std::ifstream file(std::string(ONNXRAY_SOURCE_DIR) + "/tests/methods/golden/signxai_1x_names.txt");
  int64_t count = 0;
  for (std::string name; std::getline(file, name); ++count) {
    INFO(name);
    CHECK_NOTHROW(resolve_methods({name}, {}, "signxai"));
  }
  CHECK(count == 152);
}

TEST_CASE("an unknown name or tail is an error that names the nearest") {
  const auto error = [](const std::string& name) { return error_of([&] { parse_method_name(name); }); };
  CHECK(says(error("wlrp_z"), ErrorCode::usage, "unknown method 'wlrp_z'; the nearest are"));
  CHECK(says(error("wlrp_z"), ErrorCode::usage, "lrp_z"));
  CHECK(says(error("lrp_epsilon_0_1_foo"), ErrorCode::usage, "lrp_epsilon_0_1"));
  CHECK(says(error("gradiant"), ErrorCode::usage, "gradient"));
  for (const char* name : {"",
                           "_",
                           "lrp_",
                           "lrp_epsilon_",
                           "lrp_epsilon",
                           "lrp_epsilon_x",
                           "lrp_epsilon_0_",
                           "lrp_epsilon_neg_1",
                           "lrp_alpha_2_beta_0",
                           "lrp_alpha_1",
                           "lrp_z_mu_0_5",
                           "lrp_zz",
                           "lrpsign",
                           "gradient_",
                           "gradient_x",
                           "gradient_x_sign_mu_",
                           "gradient_x_sign_mu_x",
                           "gradient_mu_0_5",
                           "gradient_x_sign_x_input",
                           "integrated_gradients_steps_",
                           "integrated_gradients_steps_0",
                           "smoothgrad_samples_0",
                           "smoothgrad_noise_",
                           "grad_cam_foo",
                           "random_uniform_x",
                           "LRP_Z",
                           "lrp_z ",
                           "lrp_z_VGG16"}) {
    INFO(name);
    CHECK(error(name).code() == ErrorCode::usage);
  }
}

TEST_CASE("no name is read past its end") {
  // Every prefix of a long name is parsed or refused.
  const std::string name = "lrpsign_epsilon_0_25_std_x_mu_neg_0_5_x_input_x_sign_mu_neg_1_5_VGG16ILSVRC";
  int accepted = 0;
  for (size_t n = 0; n <= name.size(); ++n) {
    const Error error = error_of([&] { parse_method_name(name.substr(0, n)); });
    if (error.code() == ErrorCode::failed)
      ++accepted;
    else
      CHECK(error.code() == ErrorCode::usage);
  }
  // lrp, epsilon_0, _2, _25, std_x, mu_0, mu_0_5, x_input, x_sign, _mu, _1, _1_5, and the model
  CHECK(accepted == 13);
}

TEST_CASE("methods are found by the names that other libraries give them") {
  CHECK(parse_method_name("IntegratedGradients").family == Family::integrated_gradients);
  CHECK(parse_method_name("captum.attr.InputXGradient").family == Family::gradient);
  CHECK(parse_method_name("InputXGradient").modifiers.x_input);
  CHECK(parse_method_name("GuidedGradCam").family == Family::guided_grad_cam);
  CHECK(parse_method_name("LayerGradCam").family == Family::grad_cam);
  CHECK(parse_method_name("zennit.attribution.SmoothGrad").family == Family::smoothgrad);
  CHECK(parse_method_name("EpsilonPlusFlat").composite == "epsilon_plus_flat");
  CHECK(parse_method_name("EpsilonPlusFlat").family == Family::lrp);
  CHECK(parse_method_name("zennit.composites.EpsilonGammaBox").composite == "epsilon_gamma_box");
  CHECK(rule_of("LRPAlpha2Beta1").parameter("alpha", 0) == 2);
  CHECK(rule_of("LRPZPlus").rule == "z_plus");
  CHECK(parse_method_name("LRPSequentialPresetA").composite == "sequential_preset_a");
  // A name of this project's grammar keeps its meaning.
  CHECK(rule_of("lrp_gamma").parameter("gamma", 0) == 0.25);
  CHECK(rule_of("LRPGamma").parameter("gamma", 0) == 0.5);
}

TEST_CASE("what other libraries have and is not here is answered with its nearest kin") {
  const auto answer = [](const char* name) { return error_of([&] { parse_method_name(name); }); };
  CHECK(says(answer("Saliency"), ErrorCode::usage, "absolute value of 'gradient'"));
  CHECK(says(answer("DeepLift"), ErrorCode::usage, "'integrated_gradients'"));
  CHECK(says(answer("captum.attr.KernelShap"), ErrorCode::usage, "'occlusion'"));
  CHECK(says(answer("GradCAM++"), ErrorCode::usage, "'grad_cam'"));
}

}  // namespace
}  // namespace onnxray::test
