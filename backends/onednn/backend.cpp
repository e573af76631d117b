#include <omp.h>

#include "backends/onednn/cache_size.h"
#include "backends/onednn/dnnl_compat.h"
#include "backends/onednn/matvec.h"
#include "backends/onednn/nan_watch.h"
#include "backends/onednn/onednn.h"
#include "backends/onednn/simd.h"
#include "backends/onednn/thread_scope.h"
#include "backends/onednn/winograd_tiles.h"

namespace onnxray {

namespace {

/// oneDNN cuts the work of a primitive for the threads that it saw at compile time, so both scopes are
/// needed.
class ThreadedExecutable final : public Executable {
 public:
  ThreadedExecutable(std::unique_ptr<Executable> inner, std::shared_ptr<onednn::NanWatch> watch, int threads)
      : inner_(std::move(inner)), watch_(std::move(watch)), threads_(threads) {}
  std::vector<Tensor> run(std::span<const Tensor> inputs,
                          const std::function<void(int64_t, int64_t)>& progress) override {
    const onednn::ThreadScope scope(threads_);
    std::vector<Tensor> results = inner_->run(inputs, progress);
    return may_have_lost_nan() ? inner_->run(inputs, progress) : results;
  }
  StepTimes profile(std::span<const Tensor> inputs) override {
    const onednn::ThreadScope scope(threads_);
    return inner_->profile(inputs);
  }

 private:
  /// From the first time on, kernels keep them: who gives one NaN gives more.
  bool may_have_lost_nan() {
    if (!watch_->is_needed || watch_->keeps_nan) return false;
    watch_->look();
    return watch_->keeps_nan = watch_->was_raised;
  }

  std::unique_ptr<Executable> inner_;
  std::shared_ptr<onednn::NanWatch> watch_;
  int threads_;
};

/// Enough arithmetic that dispatch and reading the weights weigh little (docs/performance.md).
constexpr double kTripWork = 5e8;

/// Fewer elements are not worth a step of their own.
constexpr int64_t kLeastMask = 4096;

/// The code and the tables that a primitive of oneDNN 2.6 keeps, on average over eight nets
/// (docs/performance.md).
constexpr int64_t kProductBytes = 64 << 10;

class OneDnnBackend final : public Backend {
 public:
  explicit OneDnnBackend(int threads) : threads_(threads) {}

  std::string_view name() const override { return "onednn"; }

  std::string description() const override {
    const int threads = threads_ > 0 ? threads_ : omp_get_max_threads();
    return "oneDNN " + onednn::dnnl_version() + ", " + onednn::dnnl_isa() + ", " + std::to_string(threads) +
           (threads == 1 ? " thread" : " threads");
  }

  PlanOptions plan_options() const override {
    return {.real_size = 4,
            .channels_last = true,
            .packs_weights = true,
            .product_bytes = kProductBytes,
            .winograd = true,
            .winograd_block = onednn::kWinogradBlock,
            .unpacked_rows = onednn::kFewRows,
            .reads_forms = true,
            .splits_weights = onednn::has_wide_registers(),
            .least_mask = kLeastMask,
            .trip_work = kTripWork,
            // A step's operands share the cache with the weights and with what comes next.
            .cache_bytes = cache_bytes_ / 4 * 3,
            .least_group = threads_ > 0 ? threads_ : omp_get_max_threads()};
  }

  std::unique_ptr<Executable> compile(const Plan& plan) override {
    const onednn::ThreadScope scope(threads_);
    const auto watch = std::make_shared<onednn::NanWatch>();
    const auto compiler = make_onednn_compiler(watch);
    return std::make_unique<ThreadedExecutable>(compile_for_host(plan, *compiler), watch, threads_);
  }

 private:
  int threads_;
  int64_t cache_bytes_ = onednn::last_level_cache_bytes();
};

}  // namespace

std::unique_ptr<Backend> make_onednn_backend(int threads) { return std::make_unique<OneDnnBackend>(threads); }

}  // namespace onnxray
