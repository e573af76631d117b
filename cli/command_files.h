#pragma once

#include "cli/options.h"

namespace onnxray::cli {

/// Checks, before anything is computed, what the options name to be written (check_outputs): `-o` with one of
/// the `extensions`, --picture and --report.
void check_output_options(const Options& options, std::vector<std::string_view> extensions);

/// The same against the files that a loaded model turned out to consist of.
void check_spares_model(const Options& options, const Model& model);

}  // namespace onnxray::cli
