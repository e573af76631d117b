#pragma once

#include <filesystem>
#include <string>

namespace onnxray {

/// What a file or folder is that cannot be read as an ONNX model, by its first bytes and its name, and how to
/// make an ONNX model of it; empty where neither tells.
std::string export_advice(const std::filesystem::path& path);

}  // namespace onnxray
