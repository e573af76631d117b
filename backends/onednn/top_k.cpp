#include <vector>

#include "backends/onednn/kernels.h"
#include "backends/onednn/loop_nest.h"
#include "backends/onednn/thread_split.h"
#include "backends/top_of_lane.h"

namespace onnxray::onednn {

namespace {

/// One lane along the axis after the other, on every thread.
template <class E>
class TopKKernel final : public Kernel {
 public:
  TopKKernel(const TopK& p, const Operand& x, const Operand& y)
      : p_(p),
        lanes_(collapse(without(x.shape, p.axis), {without(x.strides, p.axis), without(y.strides, p.axis)})),
        extent_(x.shape[static_cast<size_t>(p.axis)]),
        x_step_(x.strides[static_cast<size_t>(p.axis)]),
        y_step_(y.strides[static_cast<size_t>(p.axis)]) {}

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* x = reinterpret_cast<const E*>(in[0]);
    auto* y = reinterpret_cast<int64_t*>(out[0]);
    const auto offset = [&](int64_t lane, size_t set) {
      return offset_of(lane, lanes_.extents, lanes_.strides[set], lanes_.depth());
    };
    in_parallel(lanes_.trips(), kWork * lanes_.trips() * extent_, [&](int64_t first, int64_t last) {
      std::vector<int64_t> places(static_cast<size_t>(extent_));
      for (int64_t lane = first; lane < last; ++lane)
        top_of_lane(x + offset(lane, 0), x_step_, std::span(places), p_.count, p_.largest,
                    y + offset(lane, 1), y_step_);
    });
  }

 private:
  static constexpr int64_t kWork = 8;  // what an entry takes, beside one that is copied

  TopK p_;
  LoopNest lanes_;  // sets: x, y
  int64_t extent_, x_step_, y_step_;
};

}  // namespace

std::unique_ptr<Kernel> compile_top_k(const TopK& p, Operands in, Operands out) {
  switch (storage_of(in[0].dtype)) {
    case Storage::real: return std::make_unique<TopKKernel<float>>(p, in[0], out[0]);
    case Storage::int64: return std::make_unique<TopKKernel<int64_t>>(p, in[0], out[0]);
    case Storage::byte: return std::make_unique<TopKKernel<uint8_t>>(p, in[0], out[0]);
  }
  return nullptr;
}

}  // namespace onnxray::onednn
