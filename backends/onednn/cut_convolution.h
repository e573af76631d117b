#pragma once

#include <functional>
#include <memory>

#include "backends/onednn/nan_watch.h"
#include "core/kernel.h"

namespace onnxray::onednn {

/// A convolution whose result `y` is cut off below 0 and above `cap` by oneDNN, as long as no NaN is in
/// sight; else as `make_plain` computes it without the cut, which is then made here.
class CutConvolution final : public Kernel {
 public:
  CutConvolution(std::shared_ptr<NanWatch> watch, std::unique_ptr<Kernel> fast,
                 std::function<std::unique_ptr<Kernel>()> make_plain, const Operand& y, float cap);

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override;

 private:
  void run_keeping_nan(std::span<const std::byte* const> in, std::span<std::byte* const> out);

  std::shared_ptr<NanWatch> watch_;
  std::unique_ptr<Kernel> fast_;
  std::function<std::unique_ptr<Kernel>()> make_plain_;
  Operand y_;
  float cap_;
  std::unique_ptr<Kernel> plain_, cut_;  // made when first needed
};

}  // namespace onnxray::onednn
