#include "onnx/support_advice.h"

#include <array>

namespace onnxray {

namespace {

struct Advice {
  std::string_view domain;
  std::string_view prefix;  ///< of the operator's name
  std::string_view text;
};

constexpr std::string_view kQuantised = "quantised: explain the float model that it was made from";
constexpr std::string_view kRandom =
    "draws random numbers: export the model for inference, or make the draw an input";
constexpr std::string_view kNotTensors = "works on more than tensors: cut the model before or after it";

// The first that matches holds.
constexpr std::array kAdvice = {
    Advice{"", "Random", kRandom},
    Advice{"", "Bernoulli", kRandom},
    Advice{"", "Multinomial", kRandom},
    Advice{"com.microsoft", "QLinear", kQuantised},
    Advice{"com.microsoft", "MatMulNBits", kQuantised},
    Advice{"", "Sequence", kNotTensors},
    Advice{"", "Optional", kNotTensors},
    Advice{"", "String", kNotTensors},
    Advice{"", "RegexFullMatch", kNotTensors},
    Advice{"", "TfIdfVectorizer", kNotTensors},
    Advice{"", "", "not implemented: another opset or exporter option may write it as simpler operators"},
    Advice{"com.microsoft", "",
           "written by ONNX Runtime's optimiser: export the model again without graph optimisation"},
    Advice{"com.ms.internal", "",
           "written by ONNX Runtime's optimiser: export the model again without graph optimisation"},
    Advice{"ai.onnx.ml", "",
           "classical machine learning beyond tables of numbers: explain the part behind it"},
    Advice{"ai.onnx.preview.training", "", "training: export the model for inference"},
    Advice{"ai.onnx.training", "", "training: export the model for inference"},
};

}  // namespace

std::string support_advice(std::string_view domain, std::string_view op) {
  for (const Advice& advice : kAdvice) {
    if (advice.domain == domain && op.starts_with(advice.prefix)) return std::string(advice.text);
  }
  return "a custom operator: export it as a local function of standard operators";
}

}  // namespace onnxray
