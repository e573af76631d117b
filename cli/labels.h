#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "cli/preprocess.h"

namespace onnxray::cli {

/// The names of classes in a file's text: one a line; a JSON list of names; an object {"0": name}, or the
/// other way round {name: 0}; an object that holds one of these under "id2label" or "labels". A name may be
/// a list, as ImageNet's ["n01440764", "tench"]: its last text counts. Classes without a name get their
/// number. `file` stands for the file in messages. Throws Error(bad_file).
std::vector<std::string> parse_labels(std::string_view text, const std::string& file);

/// --labels, or those of the preprocessing, or none.
std::vector<std::string> choose_labels(const Options& options, const std::optional<Preprocess>& preprocess);

}  // namespace onnxray::cli
