#pragma once

#include <span>
#include <string>

#include "cli/image.h"

namespace onnxray::cli {

bool is_jpeg(std::span<const uint8_t> bytes);

/// A JPEG as gray or RGB; CMYK is converted. Turned upright as its EXIF data says.
Image decode_jpeg(std::span<const uint8_t> bytes, const std::string& name);

}  // namespace onnxray::cli
