#include "rules/builtin_composites.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

TEST_CASE("composites go by Zennit's and iNNvestigate's names too") {
  for (const auto& [theirs, ours] : std::vector<std::pair<std::string, std::string>>{
           {"EpsilonGammaBox", "epsilon_gamma_box"},
           {"EpsilonPlus", "epsilon_plus"},
           {"EpsilonPlusFlat", "epsilon_plus_flat"},
           {"EpsilonAlpha2Beta1", "epsilon_alpha2_beta1"},
           {"EpsilonAlpha2Beta1Flat", "epsilon_alpha2_beta1_flat"},
           {"epsilon_alpha_2_beta_1", "epsilon_alpha2_beta1"},
           {"ExcitationBackprop", "excitation_backprop"},
           {"GuidedBackprop", "guided_backprop"},
           {"Deconvnet", "deconvnet"},
           {"BetaSmooth", "beta_smooth"},
           {"AttnLRP", "attnlrp"},
           {"CP-LRP", "cp_lrp"},
           {"lrp.sequential_preset_a_flat", "sequential_preset_a_flat"},
           {"LRPSequentialPresetBFlatUntilIdx", "sequential_preset_b_flat_until_idx"},
           {"LRPSequentialCompositeBFlat", "sequential_composite_b_flat"}}) {
    INFO(theirs);
    const CompositeOptions bounds{{}, {-1}, {1}};
    CHECK(builtin_composite(theirs, bounds).entries == builtin_composite(ours, bounds).entries);
    CHECK(builtin_composite(theirs, bounds).name == ours);
  }
  CHECK(is_zennit_spelling("EpsilonPlusFlat"));
  CHECK_FALSE(is_zennit_spelling("epsilon_plus_flat"));
  CHECK(says(error_of([] { builtin_composite("EpsilonMinus"); }), ErrorCode::usage,
             "unknown composite 'EpsilonMinus'"));
}

}  // namespace
}  // namespace onnxray::test
