#include "tests/support/method_cases.h"

#include <fmt/format.h>

#include <algorithm>

#include "methods/method_spec.h"
#include "rules/builtin_composites.h"

namespace onnxray::test {

namespace {

using Texts = std::vector<std::string>;

bool is_cam(const std::string& text) { return text.find("grad_cam") != std::string::npos; }
bool is_of_series(const std::string& text) { return text.find("timeseries") != std::string::npos; }

/// One text for each line of `onnxray methods`.
void add_examples(Texts& texts) {
  for (const MethodInfo& method : method_list()) {
    const bool unbounded = method.example == "deep_taylor_bounded";
    texts.push_back(method.example + (unbounded ? ":low=-2,high=2" : ""));
  }
}

void add_gradients(Texts& texts) {
  for (const char* text :
       {"gradient_x_input_x_sign_mu_neg_0_5", "gradient_x_sign:sign_of_zero=0", "gradient:seed_value=logit",
        "guided_backprop", "guided_backprop:seed_value=one", "deconvnet", "deconvnet_x_input",
        "integrated_gradients_steps_5", "integrated_gradients:steps=5,baseline=0.3",
        "smoothgrad_squared_samples_3_x_sign_mu_0", "vargrad:samples=3,noise=range",
        "vargrad:samples=3,clean_sample=last", "random_uniform:seed=3", "guided_grad_cam",
        "grad_cam:activation=before,resize=false", "grad_cam"})
    texts.push_back(text);
  for (const char* rule : {"trapezoid", "left", "right", "midpoint", "gauss_legendre"})
    texts.push_back(std::string("integrated_gradients:steps=5,ig_quadrature=") + rule);
}

void add_relevance(Texts& texts) {
  const Texts rules{"z",
                    "epsilon_0_1",
                    "epsilon_0_25_std_x",
                    "alpha_1_beta_0",
                    "gamma",
                    "w_square",
                    "flat",
                    "alpha_2_beta_1",
                    "z_plus",
                    "z_plus_fast",
                    "gamma_3",
                    "sequential_composite_a",
                    "alpha_1_5_beta_0_5",
                    "sequential_composite_b"};
  for (const char* prefix : {"lrp_", "lrpsign_", "lrpz_", "w2lrp_", "flatlrp_"}) {
    for (const std::string& rule : rules) texts.push_back(prefix + rule);
  }
  for (const std::string& rule : rules) texts.push_back("zblrp_" + rule + ":low=-1,high=1.5");
  for (const char* more : {"lrpsign_epsilon_0_1_mu_neg_0_3",
                           "lrp_epsilon_0_1_x_input_x_sign",
                           "lrp_z:stabiliser=signed",
                           "lrp_z:seed_value=one",
                           "lrp_z:add=norm,avgpool=norm",
                           "lrp_z:gate=uniform",
                           "lrp_z_plus:zplus_bias=include",
                           "lrp_w_square:wsquare_bias=include",
                           "lrp_epsilon_0_1_std_x:std_x=batch",
                           "lrp_alpha_2_beta_1:alphabeta_bias=both",
                           "lrp_alpha_2_beta_1:alphabeta_bias=ignore",
                           "lrp_alpha_1_beta_0:alphabeta_bias=split",
                           "lrp_alpha_2_beta_1:exact_splits=true",
                           "lrp_alpha_2_beta_1:exact_splits=false",
                           "lrp_gamma:exact_splits=false",
                           "lrp_z_plus:exact_splits=false",
                           "lrp_epsilon_0_1:batchnorm=affine_z",
                           "lrp_epsilon_0_1:batchnorm=fused",
                           "lrp_z_plus:batchnorm=pass",
                           "lrp:rule=norm",
                           "lrp:rule=z_ib",
                           "lrp:rule=epsilon_ib,epsilon=0.1",
                           "lrp:rule=bounded,low=-3,high=3",
                           "lrp:rule=alpha_beta_x1000",
                           "lrp:rule=alpha_beta_x1001",
                           "lrp:rule=alpha_beta_x2m100",
                           "lrp:rule=alpha_beta,alpha=1,beta=0",
                           "lrp_z:input_layer_rule=SIGNmu,mu=0.1",
                           "deep_taylor",
                           "deep_taylor:deep_taylor=zplus",
                           "deep_taylor_bounded:deep_taylor=zplus,low=-2,high=2"})
    texts.push_back(more);
  for (const std::string_view composite : builtin_composite_names())
    texts.push_back("lrp:composite=" + std::string(composite) + ",low=-2,high=2,until_layer_idx=1");
}

}  // namespace

Texts method_cases(NetKind kind, int64_t window) {
  Texts texts;
  add_examples(texts);
  if (window > 2) std::erase(texts, "occlusion");  // by its own small windows it would take long
  texts.push_back(fmt::format("occlusion:window={},stride={}", window, window / 2));
  add_gradients(texts);
  add_relevance(texts);
  std::erase_if(texts, [&](const std::string& text) {
    return (kind == NetKind::dense && is_cam(text)) || (kind != NetKind::series && is_of_series(text));
  });
  std::ranges::sort(texts);
  texts.erase(std::ranges::unique(texts).begin(), texts.end());
  return texts;
}

}  // namespace onnxray::test
