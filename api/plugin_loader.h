#pragma once

#include <string>

#include "core/plugin.h"

namespace onnxray {

/// Loads the plug-in lib<file>.so and makes its backend. Looked for in $ONNXRAY_PLUGIN_PATH, beside this
/// library, then where the system looks. A plug-in stays loaded until the process ends. Throws Error(usage)
/// where there is none or it was built for another onnxray.
std::unique_ptr<Backend> load_backend(const std::string& file, const PluginOptions& options);

/// The same for one path.
std::unique_ptr<Backend> load_backend_from(const std::string& path, const PluginOptions& options);

}  // namespace onnxray
