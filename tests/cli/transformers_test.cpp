#include <cmath>

#include "api/onnxray.h"
#include "cli/npz.h"
#include "core/difference.h"
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
      CHECK(relative_difference(all.logits, array(golden, "logits")) < kGolden);
      for (const Attribution& a : all.attributions) {
        INFO(model << " " << composite << " " << a.input);
        CHECK(relative_difference(a.values, array(golden, composite + ":" + a.input)) < kGolden);
        // Images and vectors are explained themselves, tokens at their embeddings.
        CHECK(a.embeddings.empty() == (a.input == "image" || a.input == "x"));
      }
    }
  }
}

}  // namespace
}  // namespace onnxray::cli
