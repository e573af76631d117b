#pragma once

#include <optional>
#include <vector>

#include "cli/options.h"
#include "cli/preprocess.h"

namespace onnxray::cli {

/// The model's inputs as given on the command line.
struct LoadedInputs {
  std::vector<Tensor> tensors;             ///< by Model::inputs()
  std::vector<std::string> layouts;        ///< likewise: NCHW, NHWC, NCT, NTC, or empty
  std::vector<std::string> left_out = {};  ///< names of states that no -i gives: they are zeros
  std::vector<std::string> notes = {};     ///< what reading did to a file, for people
};

/// The model that the options name. Its inputs are also those that the file gives a value and an -i another.
Model load_model(const Options& options);

/// --preprocess, or the file beside the model, or nothing.
std::optional<Preprocess> choose_preprocess(const Options& options);

/// Reads every -i. States that are left out are zeros. Throws Error(usage) where another input is left out or
/// a file does not fit.
LoadedInputs load_inputs(const Options& options, const Model& model,
                         const std::optional<Preprocess>& preprocess);

/// The same, or stand-ins where no -i was given: noise-like values in the declared shapes, symbols as 1 or
/// --batch.
LoadedInputs inputs_or_examples(const Options& options, const Model& model,
                                const std::optional<Preprocess>& preprocess);

/// What to tell about inputs that no -i gives.
std::vector<std::string> notes_on(const LoadedInputs& loaded, const Model& model);

/// Any file that holds one array: .npy, .npz with one entry.
Tensor read_array(const std::string& path);

}  // namespace onnxray::cli
