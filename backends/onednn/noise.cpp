#include "backends/onednn/kernels.h"
#include "backends/onednn/thread_split.h"
#include "core/counter_rng.h"

namespace onnxray::onednn {

namespace {

/// What a pair of draws takes, in the unit of an element of simple arithmetic.
constexpr int64_t kWorkOfPair = 64;

/// The draws of core/counter_rng.h in pairs, each on any thread.
class NoiseKernel final : public Kernel {
 public:
  NoiseKernel(const Noise& p, int64_t samples)
      : normal_(p.kind == Noise::Kind::normal),
        seed_(p.seed),
        samples_(samples),
        count_(element_count(p.shape)) {}

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* sample = reinterpret_cast<const int64_t*>(in[0]);
    auto* y = reinterpret_cast<float*>(out[0]);
    const int64_t pairs = (count_ + 1) / 2, items = samples_ * pairs;
    in_parallel(items, items * kWorkOfPair, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t n = i / pairs, pair = i % pairs, place = n * count_ + 2 * pair;
        const auto draws =
            normal_ ? normal_pair(seed_, sample[n], pair) : uniform_pair(seed_, sample[n], pair);
        y[place] = static_cast<float>(draws[0]);
        if (2 * pair + 1 < count_) y[place + 1] = static_cast<float>(draws[1]);
      }
    });
  }

 private:
  bool normal_;
  uint64_t seed_;
  int64_t samples_, count_;  // sample numbers, elements of each
};

bool is_row_major(const Operand& o) { return same_layout(o.shape, o.strides, row_major_strides(o.shape)); }

}  // namespace

std::unique_ptr<Kernel> compile_noise(const Noise& p, Operands in, Operands out) {
  if (!is_row_major(in[0]) || !is_row_major(out[0]) || storage_of(in[0].dtype) != Storage::int64 ||
      !is_floating(out[0].dtype))
    return nullptr;
  return std::make_unique<NoiseKernel>(p, element_count(in[0].shape));
}

}  // namespace onnxray::onednn
