#pragma once

#include "tests/sweep/model_case.h"

namespace onnxray::sweep {

struct TrialOptions {
  std::string backend = "reference";
  std::string precision = "double";
  std::string method = "gradient";
};

/// Loads, runs and explains the case; answered by results or by an Error. Throws what is no answer: another
/// exception, or a want of memory.
void try_case(const ModelCase& c, const std::filesystem::path& file, const TrialOptions& options);

/// Writes the model and its inputs, as NAME.onnx and NAME_input_I.pb's bytes, to run by hand.
void save_case(const ModelCase& c, const std::filesystem::path& folder);

}  // namespace onnxray::sweep
