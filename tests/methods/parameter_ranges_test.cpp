#include "methods/parameter_ranges.h"

#include "methods/method_spec.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

TEST_CASE("a method's number out of its range is an error that says the range") {
  for (const char* method :
       {"integrated_gradients:steps=nan", "integrated_gradients:steps=0",
        "integrated_gradients_steps_9999999", "smoothgrad:samples=1e18", "smoothgrad:noise_scale=-1",
        "smoothgrad:noise_scale=inf", "lrp_z:epsilon=nan", "lrp:rule=gamma,gamma=-1",
        "lrp:rule=alphabeta,alpha=nan", "occlusion:window=0", "occlusion:stride=1.5", "smoothgrad:seed=-1",
        "integrated_gradients:baseline=nan", "integrated_gradients:micro_batch=-1",
        "zblrp_epsilon_0_1:low=-1;nan,high=1", "lrp:until_layer_idx=-1"}) {
    INFO(method);
    const Error error = error_of([&] { resolve_methods({method}, {}, "signxai"); });
    CHECK(says(error, ErrorCode::usage, "number"));
    CHECK(says(error, ErrorCode::usage, "expected"));
  }
}

TEST_CASE("bounds may be one per channel, and a baseline or bound a file") {
  CHECK_NOTHROW(check_parameter("low", "-1,-2;3", "zblrp"));
  CHECK_NOTHROW(check_parameter("baseline", "black.npy", "integrated_gradients"));
  CHECK_NOTHROW(check_parameter("composite", "epsilon_plus", "lrp"));
}

}  // namespace
}  // namespace onnxray::test
