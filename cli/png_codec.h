#pragma once

#include <span>
#include <string>

#include "cli/image.h"

namespace onnxray::cli {

bool is_png(std::span<const uint8_t> bytes);

/// Any PNG as 8-bit gray or RGB: palettes expanded, 16 bits reduced, transparency composited on white, turned
/// upright as its EXIF data says.
/// Stored values are taken as they are: gamma and colour profiles are not applied, as in training pipelines.
Image decode_png(std::span<const uint8_t> bytes, const std::string& name);

Bytes encode_png(const Image& image);

}  // namespace onnxray::cli
