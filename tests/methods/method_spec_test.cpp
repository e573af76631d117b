#include "methods/method_spec.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

using Parameters = std::map<std::string, std::string>;

TEST_CASE("a parameter goes to every method that has it, and one in the text to its own method") {
  const auto methods = resolve_methods({"smoothgrad:samples=25", "vargrad", "gradient"},
                                       {{"noise_level", "0.5"}, {"seed", "7"}}, "signxai");
  CHECK(methods[0].conventions.samples == 25);
  CHECK(methods[1].conventions.samples == 50);
  CHECK(methods[0].conventions.noise_scale == 0.5);
  CHECK(methods[1].conventions.noise_scale == 0.5);
  CHECK(methods[0].number("seed", 0) == 7);
  CHECK(methods[2].parameters.empty());
}

TEST_CASE("what a method's own text says wins over what is said for all") {
  const auto methods = resolve_methods({"smoothgrad:samples=25", "vargrad"}, {{"samples", "10"}}, "signxai");
  CHECK(methods[0].conventions.samples == 25);
  CHECK(methods[1].conventions.samples == 10);
}

TEST_CASE("one text that gives a parameter twice is an error") {
  CHECK(says(error_of([] { resolve_methods({"smoothgrad:samples=25,augment_by_n=5"}, {}, "signxai"); }),
             ErrorCode::usage, "given twice"));
}

TEST_CASE("a number in the name wins over the convention and yields to a parameter") {
  CHECK(resolve_methods({"smoothgrad_samples_5"}, {}, "zennit")[0].conventions.samples == 5);
  CHECK(resolve_methods({"smoothgrad_samples_5"}, {{"samples", "9"}}, "zennit")[0].conventions.samples == 9);
}

TEST_CASE("a convention sets every switch, and a parameter one of them") {
  const MethodSpec method = resolve_methods({"lrp_z"}, {{"stabiliser", "safe"}}, "zennit")[0];
  CHECK(method.conventions.seed_value == Conventions::SeedValue::one);
  CHECK(method.conventions.stabiliser == Conventions::Stabiliser::safe);
}

TEST_CASE("a composite by Zennit's own name runs under Zennit's convention, unless another is named") {
  const auto name = [](const std::string& composite, const std::string& given) {
    return resolve_methods({"lrp:composite=" + composite}, {}, given)[0].conventions.name;
  };
  CHECK(name("EpsilonPlusFlat", "") == "zennit");
  CHECK(name("epsilon_plus_flat", "") == "signxai");
  CHECK(name("EpsilonPlusFlat", "signxai") == "signxai");
  CHECK(name("epsilon_plus_flat", "zennit") == "zennit");
  const MethodSpec method =
      resolve_methods({"lrp"}, {{"composite", "EpsilonPlus"}, {"stabiliser", "safe"}}, "")[0];
  CHECK(method.conventions.zplus_bias == Conventions::HalfBias::include);
  CHECK(method.conventions.stabiliser == Conventions::Stabiliser::safe);
  CHECK(method.is_convention_of_composite);
}

TEST_CASE("synonyms mean the same, and disagree with an error") {
  for (const char* name : {"samples", "augment_by_n", "num_samples"}) {
    CHECK(resolve_methods({"smoothgrad"}, {{name, "3"}}, "signxai")[0].conventions.samples == 3);
  }
  const auto error = [](const Parameters& p) {
    return error_of([&] { resolve_methods({"smoothgrad"}, p, "signxai"); });
  };
  CHECK(says(error({{"samples", "3"}, {"augment_by_n", "4"}}), ErrorCode::usage, "mean the same parameter"));
  CHECK(error({{"samples", "3"}, {"augment_by_n", "3"}}).code() == ErrorCode::failed);
}

TEST_CASE("parameters and conventions that do not exist are errors") {
  const auto error = [](const std::string& method, const Parameters& p,
                        const std::string& convention = "signxai") {
    return error_of([&] { resolve_methods({method}, p, convention); });
  };
  CHECK(says(error("gradient", {{"samples", "3"}}), ErrorCode::usage,
             "none of the methods has a parameter 'samples'"));
  CHECK(says(error("gradient:samples=3", {}), ErrorCode::usage, "has no parameter 'samples'"));
  CHECK(says(error("smoothgrad:samples", {}), ErrorCode::usage, "expected key=value"));
  CHECK(says(error("smoothgrad", {{"samples", "0"}}), ErrorCode::usage, "samples=0"));
  CHECK(says(error("smoothgrad", {{"samples", "many"}}), ErrorCode::usage, "samples=many"));
  CHECK(says(error("lrp_z", {{"stabiliser", "none"}}), ErrorCode::usage, "safe|signed"));
  CHECK(says(error("lrp_z", {}, "captum"), ErrorCode::usage, "unknown convention 'captum'"));
}

}  // namespace
}  // namespace onnxray::test
