#include <cstring>

#include "backends/reference/reference.h"
#include "core/error.h"
#include "core/plugin.h"

// A plug-in without a device: the reference backend under another name. Compiled twice, once with the host's
// build id.

namespace onnxray {

namespace {

class Renamed final : public Backend {
 public:
  std::string_view name() const override { return "fake"; }
  std::string description() const override { return inner_->description(); }
  PlanOptions plan_options() const override { return inner_->plan_options(); }
  std::unique_ptr<Executable> compile(const Plan& plan) override { return inner_->compile(plan); }

 private:
  std::unique_ptr<Backend> inner_ = make_reference_backend(false);
};

std::unique_ptr<Backend> make(const PluginOptions& options) {
  if (options.precision != "fp32") throw Error(ErrorCode::failed, "the fake backend found no device");
  return std::make_unique<Renamed>();
}

constexpr BackendPlugin kPlugin{"fake", &make};

}  // namespace

extern "C" __attribute__((visibility("default"))) const BackendPlugin* onnxray_backend_entry(
    int abi, const char* build_id) {
  return abi == kPluginAbi && std::strcmp(build_id, ONNXRAY_BUILD_ID) == 0 ? &kPlugin : nullptr;
}

}  // namespace onnxray
