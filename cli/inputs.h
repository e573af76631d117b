#pragma once

#include <optional>
#include <vector>

#include "cli/options.h"
#include "cli/preprocess.h"

namespace onnxray::cli {

/// The model's inputs as given on the command line.
struct LoadedInputs {
  std::vector<Tensor> tensors;  ///< by Model::inputs()
  std::string layout;           ///< of the first input: NCHW, NHWC, NCT, NTC, or empty
};

/// --preprocess, or the file beside the model, or nothing.
std::optional<Preprocess> choose_preprocess(const Options& options);

/// Reads every -i. Throws Error(usage) where a model input is left out or a file does not fit.
LoadedInputs load_inputs(const Options& options, const Model& model,
                         const std::optional<Preprocess>& preprocess);

/// Stand-ins where no -i was given: noise-like values in the declared shapes, symbols as 1 or --batch.
std::vector<Tensor> example_inputs(const Options& options, const Model& model);

/// Any file that holds one array: .npy, .npz with one entry.
Tensor read_array(const std::string& path);

}  // namespace onnxray::cli
