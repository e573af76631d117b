#pragma once

#include <string>
#include <string_view>

#include "core/tensor.h"

namespace onnxray::cli {

/// A table of numbers as f32 [rows, columns]. Columns are separated by commas, semicolons, tabs or spaces; one header
/// line and lines that start with '#' are skipped. Throws Error(bad_file) that names the line.
Tensor parse_csv(std::string_view text, const std::string& what);

}  // namespace onnxray::cli
