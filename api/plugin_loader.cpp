#include "api/plugin_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "core/fail.h"

namespace onnxray {

namespace {

namespace fs = std::filesystem;

/// The folder that holds this very library.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  return fs::path(info.dli_fname).parent_path();
}

std::string find_plugin(const std::string& file) {
  const char* folder = std::getenv("ONNXRAY_PLUGIN_PATH");
  for (const fs::path& where : {fs::path(folder != nullptr ? folder : ""), own_folder()}) {
    std::error_code ignored;
    if (!where.empty() && fs::exists(where / file, ignored)) return (where / file).string();
  }
  return file;
}

}  // namespace

std::unique_ptr<Backend> load_backend_from(const std::string& path, const PluginOptions& options) {
  // Never closed: objects of the plug-in's classes may outlive every handle that we could count.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    fail(ErrorCode::usage, "no plug-in {}: {}", path, reason != nullptr ? reason : "unknown reason");
  }
  const auto entry = reinterpret_cast<PluginEntry>(dlsym(library, kPluginEntry));
  require(entry != nullptr, ErrorCode::usage, "{} is not an onnxray plug-in: it has no {}", path,
          kPluginEntry);
  const BackendPlugin* plugin = entry(kPluginAbi, ONNXRAY_BUILD_ID);
  require(plugin != nullptr, ErrorCode::usage, "{} was built for another onnxray; build both from one source",
          path);
  return plugin->make(options);
}

std::unique_ptr<Backend> load_backend(const std::string& file, const PluginOptions& options) {
  return load_backend_from(find_plugin("lib" + file + ".so"), options);
}

}  // namespace onnxray
