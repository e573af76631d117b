#include <cmath>

#include "api/onnxray.h"
#include "cli/npz.h"
#include "tests/catch.h"

// Exports of small random transformers against PyTorch (tests/reference/transformers_attnlrp.py made both).

namespace onnxray::cli {
namespace {

const std::string kFolder = std::string(ONNXRAY_SOURCE_DIR) + "/tests/cli/transformers/";
// Ours is float32 all the way, the golden double; relevance divides by numbers that may be small.
constexpr double kGolden = 1e-5;

Tensor array(const std::vector<NamedTensor>& all, const std::string& name) {
  for (const NamedTensor& one : all)
    if (one.name == name) return one.value;
  FAIL("no array " << name);
  return {};
}

/// max |a - b| / max |b| of the worst sample.
double difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const int64_t samples = a.shape()[0], each = a.size() / samples;
  double worst = 0;
  for (int64_t n = 0; n < samples; ++n) {
    double apart = 0, largest = 0;
    for (int64_t i = n * each; i < (n + 1) * each; ++i) {
      apart = std::max(apart, std::fabs(a.as_double(i) - b.as_double(i)));
      largest = std::max(largest, std::fabs(b.as_double(i)));
    }
    worst = std::max(worst, apart / largest);
  }
  return worst;
}

TEST_CASE("AttnLRP and CP-LRP of exported transformers are PyTorch's changed gradient") {
  for (const std::string model : {"vit_dynamo23", "llama_dynamo23", "bert_torchscript17", "gpt2_dynamo18"}) {
    const std::vector<NamedTensor> golden = read_npz(kFolder + model.substr(0, model.find('_')) + ".npz");
    Session session(Model::load(kFolder + model + ".onnx"), {.backend = "onednn"});
    std::vector<Tensor> inputs;
    for (const NamedTensor& one : golden)
      if (one.name.starts_with("in:")) inputs.push_back(one.value);
    for (const std::string composite : {"attnlrp", "cp_lrp"}) {
      const Explanations all = session.explain_many(
          inputs, {.methods = {"lrp:composite=" + composite}, .targets = {Target::index(1)}});
      CHECK(difference(all.logits, array(golden, "logits")) < kGolden);
      for (const Attribution& a : all.attributions) {
        INFO(model << " " << composite << " " << a.input);
        CHECK(difference(a.values, array(golden, composite + ":" + a.input)) < kGolden);
        // Images and vectors are explained themselves, tokens at their embeddings.
        CHECK(a.embeddings.empty() == (a.input == "image" || a.input == "x"));
      }
    }
  }
}

}  // namespace
}  // namespace onnxray::cli
