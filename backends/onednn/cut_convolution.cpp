#include "backends/onednn/cut_convolution.h"

#include <limits>

#include "backends/onednn/kernels.h"

namespace onnxray::onednn {

namespace {

/// y = max(y, 0), or min(max(y, 0), cap), where it lies.
std::unique_ptr<Kernel> compile_cut(const Operand& y, float cap) {
  const Source x{Source::Kind::input, 0, 0}, zero{}, highest{Source::Kind::immediate, 0, cap};
  const bool is_relu = cap == std::numeric_limits<float>::infinity();
  const Instruction cut =
      is_relu ? Instruction{Opcode::relu, x, {}, {}} : Instruction{Opcode::clip, x, zero, highest};
  return compile_elementwise(Elementwise{{Expression::Domain::real, {cut}, {0}}}, {&y, 1}, {&y, 1});
}

}  // namespace

CutConvolution::CutConvolution(std::shared_ptr<NanWatch> watch, std::unique_ptr<Kernel> fast,
                               std::function<std::unique_ptr<Kernel>()> make_plain, const Operand& y,
                               float cap)
    : watch_(std::move(watch)), fast_(std::move(fast)), make_plain_(std::move(make_plain)), y_(y), cap_(cap) {
  watch_->is_needed = true;
}

void CutConvolution::run(std::span<const std::byte* const> in, std::span<std::byte* const> out) {
  if (watch_->keeps_nan) return run_keeping_nan(in, out);
  fast_->run(in, out);
  watch_->look_behind_step();
}

void CutConvolution::run_keeping_nan(std::span<const std::byte* const> in, std::span<std::byte* const> out) {
  if (!plain_) plain_ = make_plain_();
  if (!cut_) cut_ = compile_cut(y_, cap_);
  plain_->run(in, out);
  const std::byte* const results[] = {out[0]};
  cut_->run(results, out);
}

}  // namespace onnxray::onednn
