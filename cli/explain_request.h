#pragma once

#include <optional>

#include "cli/inputs.h"

namespace onnxray::cli {

/// The explanation that the options ask for. The preprocessing bounds the model's first input by what it
/// makes of images, and names the labels of targets where the options do not. Inputs that were left out are
/// not attributed to.
ExplainManyOptions explain_request(const Options& options, const Model& model,
                                   const std::optional<Preprocess>& preprocess, const LoadedInputs& loaded);

/// Everything that `explain` and `verify` need of one run.
struct Explained {
  Model model;
  std::optional<Preprocess> preprocess;
  LoadedInputs loaded;
  Explanations explanations;
  std::string backend;
  std::vector<std::string> labels;
};

/// Loads, runs and explains. Progress goes to stderr.
Explained explain(const Options& options);

}  // namespace onnxray::cli
