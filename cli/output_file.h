#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onnxray::cli {

/// ".npz" of "Maps.NPZ".
std::string extension_of(const std::string& path);

/// A file that an option names to be written; an empty path is none.
struct Output {
  std::string_view option;
  std::string path;
  std::vector<std::string_view> extensions;  ///< one of them must end the path
};

/// To be called before anything is computed. Error(usage) where a path has another extension, or is that of
/// another output or of one of the files `read`, by whatever name or link; Error(failed) where it cannot be
/// written.
void check_outputs(std::span<const Output> outputs, std::span<const std::filesystem::path> read);

/// Writes a file beside and renames it: what has the name is whole, or what it was before. Error(failed).
void write_output(const std::string& path, std::span<const uint8_t> bytes);
void write_output(const std::string& path, std::string_view text);

/// SIGINT, SIGTERM and SIGHUP remove what is half written, then end the process with 128 + their number.
/// Those that the caller ignores stay so.
void leave_nothing_on_signals();

}  // namespace onnxray::cli
