#pragma once

#include <string>
#include <string_view>

#include "core/tensor.h"

namespace onnxray::cli {

/// A table of numbers as f32 [rows, columns]. Fields are parted by tabs, semicolons, commas or spaces,
/// whichever of these the first line has first in this order; where commas do not part them they are
/// decimal. A first line without any number is a header; blank lines and lines from # on are skipped.
/// `columns` chooses some, parted by commas: names of the header, numbers from 0 (negative from the end), or
/// ranges as numpy's, "value,3,5:"; empty: all. Throws Error(bad_file) naming the line, Error(usage) naming
/// the columns.
Tensor read_csv(const std::string& path, const std::string& columns = {});

/// The same from memory; `name` stands for the file in messages.
Tensor decode_csv(std::string_view text, const std::string& name, const std::string& columns = {});

}  // namespace onnxray::cli
