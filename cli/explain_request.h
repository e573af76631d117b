#pragma once

#include <optional>

#include "cli/inputs.h"

namespace onnxray::cli {

/// The explanation that the options ask for, without their targets' labels resolved from elsewhere.
ExplainManyOptions explain_request(const Options& options, const std::vector<std::string>& labels);

/// Bounds the model's first input by what its declared preprocessing of images yields.
void bound_input(ExplainManyOptions& request, const Model& model, const Preprocess& preprocess);

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
