#include <algorithm>

#include "methods/method_spec.h"

namespace onnxray {

namespace {

using Parameters = std::vector<ParameterInfo>;

/// Switches under the signxai convention, by name; all that `method` has where none is named.
Parameters switches(const std::string& method, const std::vector<std::string_view>& names = {}) {
  Parameters found;
  const auto known = method_parameters(resolve_methods({method}, {}, "signxai")[0]);
  for (const SwitchInfo& s : list_switches(convention("signxai"))) {
    if (std::ranges::find(known, s.name) == known.end()) continue;
    if (names.empty() || std::ranges::find(names, s.name) != names.end()) found.push_back({s.name, s.value});
  }
  return found;
}

Parameters operator+(Parameters a, const Parameters& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const ParameterInfo kMu{"mu", "0"}, kNormOfRows{"tokens", "norm"}, kSumOfRows{"tokens", "sum"},
    kNormUnlessModified{"tokens", "norm; with a modifier sum"}, kSeed{"seed", "0"},
    kMicroBatch{"micro_batch", "0"}, kNoBounds{"low", "the preprocessing's"},
    kNoUpperBound{"high", "the preprocessing's"};

void add_gradients(std::vector<MethodInfo>& list) {
  const Parameters start = switches("gradient", {"seed_value"}), signs = switches("gradient");
  const Parameters plain = Parameters{kMu} + signs;
  const Parameters modified = Parameters{kNormUnlessModified} + plain,
                   summed = Parameters{kSumOfRows} + plain;
  list.push_back({"gradient", "gradient", "df/dx", Parameters{kNormOfRows} + start, "Simonyan et al. 2014"});
  list.push_back({"input_t_gradient | gradient_x_input", "input_t_gradient", "x df/dx",
                  Parameters{kSumOfRows} + start, "Shrikumar et al. 2016"});
  list.push_back({"gradient_x_sign", "gradient_x_sign", "sgn(x) df/dx, sgn(0) = +1",
                  Parameters{kSumOfRows} + signs, "Gumpfer et al. 2023"});
  list.push_back({"gradient_x_sign_mu[_NUM]", "gradient_x_sign_mu_0_5",
                  "df/dx where x >= mu, -df/dx where x < mu", summed, "Gumpfer et al. 2023"});
  list.push_back({"guided_backprop[MODIFIER]", "guided_backprop_x_sign",
                  "gradient with g_in = J^T max(g, 0) at rectifiers, J their own Jacobian", modified,
                  "Springenberg et al. 2015"});
  list.push_back({"deconvnet[MODIFIER]", "deconvnet_x_sign", "gradient with g_in = max(g, 0) at rectifiers",
                  modified, "Zeiler and Fergus 2014"});
  list.push_back({"integrated_gradients[_steps_COUNT][MODIFIER]", "integrated_gradients_steps_9_x_sign",
                  "(x - x0) * sum over i of w_i df/dx(x0 + a_i (x - x0))",
                  switches("integrated_gradients", {"steps", "ig_quadrature"}) +
                      Parameters{{"baseline", "0"}, kMicroBatch} + summed,
                  "Sundararajan et al. 2017"});
  const Parameters noisy = switches("smoothgrad", {"samples", "noise_scale", "noise", "clean_sample"}) +
                           Parameters{kSeed, {"noise_file", "none"}, kMicroBatch};
  const std::string tail = "[_noise_UNSIGNED][_samples_COUNT][MODIFIER]";
  list.push_back({"smoothgrad" + tail, "smoothgrad_noise_0_1_samples_5_x_input",
                  "mean of g_s = df/dx(x + e_s), e_s normal noise", noisy + modified, "Smilkov et al. 2017"});
  list.push_back({"smoothgrad_squared" + tail, "smoothgrad_squared_samples_5", "mean of g_s^2",
                  noisy + summed, "Hooker et al. 2019"});
  list.push_back({"vargrad" + tail, "vargrad_samples_5", "mean of (g_s - mean g)^2, the population variance",
                  noisy + summed, "Adebayo et al. 2018"});
}

void add_others(std::vector<MethodInfo>& list) {
  const Parameters cam = Parameters{{"layer", "the last one"}, {"activation", "after"}, {"resize", "true"}} +
                         switches("grad_cam");
  list.push_back({"grad_cam[_timeseries][_MODEL] | gradcam[_timeseries][_MODEL]", "grad_cam_timeseries",
                  "M / max M, M = relu(sum over c of w_c A_c), w_c = mean over space of df/dA_c", cam,
                  "Selvaraju et al. 2017"});
  list.push_back({"guided_grad_cam[_timeseries][_MODEL]", "guided_grad_cam",
                  "grad_cam * guided_backprop started with 1", cam, "Selvaraju et al. 2017"});
  list.push_back(
      {"occlusion",
       "occlusion",
       "mean over windows of (f(x) - f(x with x0 in the window)) / size",
       {{"window", "an eighth of the axis"}, {"stride", "half the window"}, {"baseline", "0"}, kMicroBatch},
       "Zeiler and Fergus 2014"});
  list.push_back({"random_uniform",
                  "random_uniform",
                  "U(-1, 1), the same for every sample",
                  {kSeed},
                  "a null model: nothing is explained"});
}

void add_relevance(std::vector<MethodInfo>& list) {
  const auto add = [&](const std::string& pattern, const std::string& example, const std::string& formula,
                       const Parameters& parameters, const std::string& citation) {
    list.push_back({pattern, example, formula, parameters, citation});
  };
  const std::string positive = "s = R / safe(x+ w+ + x- w-)";
  add("lrp", "lrp:rule=z", "the rule or composite that the parameters name",
      Parameters{{"rule", "none"},
                 {"composite", "none"},
                 {"input_layer_rule", "none"},
                 {"until_layer_idx", "0"},
                 {"until_layer_rule", "none"},
                 {"epsilon", "the rule's"},
                 {"alpha", "2"},
                 {"beta", "1"},
                 {"gamma", "0.25"},
                 kMu,
                 kSumOfRows,
                 kNoBounds,
                 kNoUpperBound} +
          switches("lrp:rule=z"),
      "Bach et al. 2015");
  add("lrp_z", "lrp_z", "R_in = x T(w, R / safe(z))", switches("lrp_z", {"stabiliser"}), "Bach et al. 2015");
  add("lrp_epsilon_UNSIGNED", "lrp_epsilon_0_1", "R_in = x T(w, R / (z + epsilon sgn(z)))",
      {{"epsilon", "the name's"}}, "Bach et al. 2015");
  add("lrp_epsilon_UNSIGNED_std_x", "lrp_epsilon_0_25_std_x",
      "lrp_epsilon with epsilon times the standard deviation of each layer's input",
      Parameters{{"epsilon", "the name's"}} + switches("lrp_z", {"std_x"}), "Gumpfer et al. 2023");
  add("lrp_alpha_UNSIGNED_beta_UNSIGNED", "lrp_alpha_2_beta_1",
      "alpha times the share of the positive contributions - beta times that of the negative ones",
      Parameters{{"alpha", "the name's"}, {"beta", "the name's"}} +
          switches("lrp_z", {"stabiliser", "alphabeta_bias", "exact_splits"}),
      "Bach et al. 2015");
  add("lrp_gamma[_UNSIGNED]", "lrp_gamma", "contributions of z's own sign count 1 + gamma times",
      Parameters{{"gamma", "0.25"}} + switches("lrp_z", {"stabiliser", "exact_splits"}),
      "Montavon et al. 2019");
  add("lrp_z_plus", "lrp_z_plus", "R_in = x+ T(w+, s) + x- T(w-, s), " + positive,
      switches("lrp_z", {"stabiliser", "zplus_bias", "exact_splits"}), "Montavon et al. 2017");
  add("lrp_z_plus_fast", "lrp_z_plus_fast", "R_in = x T(w+, R / safe(x w+))",
      switches("lrp_z", {"stabiliser"}), "Montavon et al. 2017");
  add("lrp_w_square", "lrp_w_square", "R_in = T(w^2, R / safe(1 w^2))",
      switches("lrp_z", {"stabiliser", "wsquare_bias"}), "Montavon et al. 2017");
  add("lrp_flat", "lrp_flat", "R_in = T(1, R / safe(1 1))", switches("lrp_z", {"stabiliser"}),
      "Lapuschkin et al. 2019");
  const Parameters sequential =
      Parameters{{"epsilon", "0.1"}} + switches("lrp_z", {"stabiliser", "alphabeta_bias", "exact_splits"});
  add("lrp_sequential_composite_a", "lrp_sequential_composite_a",
      "dense layers lrp_epsilon, convolutions lrp_alpha_1_beta_0", sequential, "Kohlbrenner et al. 2020");
  add("lrp_sequential_composite_b", "lrp_sequential_composite_b",
      "dense layers lrp_epsilon, convolutions lrp_alpha_2_beta_1", sequential, "Kohlbrenner et al. 2020");
  add("lrp.rule_until_index", "lrp.rule_until_index:until_layer_idx=1",
      "until_layer_rule at the linear layers up to until_layer_idx; else the composite, and flat at the "
      "input "
      "layer",
      Parameters{{"until_layer_idx", "0"},
                 {"until_layer_rule", "flat"},
                 {"composite", "sequential_composite_b_flat"},
                 {"epsilon", "0.1"}} +
          switches("lrp_z", {"stabiliser", "alphabeta_bias", "exact_splits"}),
      "Kohlbrenner et al. 2020");
  add("lrpsign_RULE[_mu_NUM]", "lrpsign_epsilon_0_1_mu_0_5",
      "RULE; at the input layer R_in = sgn(x) T(w, R / safe(z)), with mu +1 where x >= mu, else -1",
      Parameters{{"mu", "none"}} + switches("lrp_z", {"stabiliser"}), "Gumpfer et al. 2023");
  add("lrpz_RULE", "lrpz_epsilon_0_1", "RULE; at the input layer lrp_z", switches("lrp_z", {"stabiliser"}),
      "Gumpfer et al. 2023");
  add("w2lrp_RULE", "w2lrp_epsilon_0_1", "RULE; at the input layer lrp_w_square",
      switches("lrp_z", {"stabiliser", "wsquare_bias"}), "Montavon et al. 2017");
  add("flatlrp_RULE", "flatlrp_epsilon_0_1", "RULE; at the input layer lrp_flat",
      switches("lrp_z", {"stabiliser"}), "Lapuschkin et al. 2019");
  add("zblrp_RULE[_VGG16ILSVRC]", "zblrp_epsilon_0_1_VGG16ILSVRC",
      "RULE; at the input layer R_in = x T(w, s) - low T(w+, s) - high T(w-, s), "
      "s = R / safe(x w - low w+ - high w-)",
      Parameters{kNoBounds, kNoUpperBound} + switches("lrp_z", {"stabiliser", "exact_splits"}),
      "Montavon et al. 2017");
  const Parameters taylor = Parameters{{"epsilon", "1e-6"}, kSumOfRows} + switches("deep_taylor");
  add("deep_taylor", "deep_taylor",
      "lrp_epsilon at every linear layer; under deep_taylor=zplus lrp_z_plus, started with relu(f)", taylor,
      "Montavon et al. 2017");
  add("deep_taylor_bounded", "deep_taylor_bounded", "deep_taylor; at the input layer as zblrp",
      Parameters{kNoBounds, kNoUpperBound} + taylor, "Montavon et al. 2017");
}

}  // namespace

std::vector<MethodInfo> method_list() {
  std::vector<MethodInfo> list;
  add_gradients(list);
  add_others(list);
  add_relevance(list);
  return list;
}

}  // namespace onnxray
