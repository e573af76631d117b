#pragma once

#include <string>
#include <string_view>

#include "core/tensor.h"

namespace onnxray::cli {

/// A table of numbers as f32 [rows, columns]. Fields are parted by tabs, semicolons, commas or spaces,
/// whichever of these the first line has first in this order. A first line without any number is a
/// header; blank lines and lines from # on are skipped. Throws Error(bad_file) naming the line.
Tensor read_csv(const std::string& path);

/// The same from memory; `name` stands for the file in messages.
Tensor decode_csv(std::string_view text, const std::string& name);

}  // namespace onnxray::cli
