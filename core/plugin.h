#pragma once

#include <memory>
#include <string>

#include "core/backend.h"

namespace onnxray {

/// What a caller asks of a backend that lives in a shared library of its own.
struct PluginOptions {
  std::string precision = "fp32";
};

/// The table that a plug-in's entry returns.
struct BackendPlugin {
  const char* name;
  /// Throws Error in one line where the machine has no device for it.
  std::unique_ptr<Backend> (*make)(const PluginOptions& options);
};

/// Changed whenever the entry or the table changes.
constexpr int kPluginAbi = 1;
constexpr const char* kPluginEntry = "onnxray_backend_entry";

/// The one symbol of a plug-in, declared extern "C". Plug-in and host share C++ types (Plan, Tensor), so the
/// plug-in returns null unless the ABI number and the build id, a hash of the headers of core/ and of the
/// compiler, are its own.
using PluginEntry = const BackendPlugin* (*)(int abi, const char* build_id);

}  // namespace onnxray
