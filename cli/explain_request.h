#pragma once

#include <optional>

#include "cli/inputs.h"

namespace onnxray::cli {

/// The explanation that the options ask for. The preprocessing names the labels of targets.
ExplainManyOptions explain_request(const Options& options, const std::optional<Preprocess>& preprocess);

/// The same, with the model's first input bounded by what the preprocessing of images yields.
ExplainManyOptions bounded_request(const Options& options, const Model& model,
                                   const std::optional<Preprocess>& preprocess);

/// Everything that `explain` and `verify` need of one run.
struct Explained {
  Model model;
  std::optional<Preprocess> preprocess;
  LoadedInputs loaded;
  Explanations explanations;
  std::string backend;

  std::vector<std::string> labels() const {
    return preprocess ? preprocess->labels : std::vector<std::string>{};
  }
};

/// Loads, runs and explains. Progress goes to stderr.
Explained explain(const Options& options);

}  // namespace onnxray::cli
