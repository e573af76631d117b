#pragma once

#include "cli/explain_request.h"
#include "cli/image.h"

namespace onnxray::cli {

/// `method[@target][:input]` of every attribution: the parts that are needed to tell the maps apart.
std::vector<std::string> keys_of_maps(const Explained& explained, const Options& options);

/// The maps over each input that has a picture, beside that input. `notes` gets what is left out, and why.
/// Throws Error(usage) where nothing is left.
Image picture_of_maps(const Explained& explained, const Options& options, std::vector<std::string>& notes);

}  // namespace onnxray::cli
