#pragma once

#include <vector>

#include "cli/options.h"

namespace onnxray::cli {

/// Stand-ins where no -i was given: noise-like values in the declared shapes. An extent that the model leaves
/// open is what --shape says; the first axis else that of --batch, or 1. Error(usage) where one stays open or
/// does not fit.
std::vector<Tensor> example_inputs(const Options& options, const Model& model);

}  // namespace onnxray::cli
