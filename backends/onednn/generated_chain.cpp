#include <algorithm>

#include "backends/onednn/chain.h"

#if defined(ONNXRAY_XBYAK) && defined(__x86_64__) && !defined(_WIN32)

#include <xbyak/xbyak_util.h>

#include "backends/onednn/chain_assembler.h"

namespace onnxray::onednn {

namespace {

using ChainFunction = void (*)(const float* const* x, float* const* y, int64_t n);

class GeneratedRows final : public Chain::Rows {
 public:
  explicit GeneratedRows(ChainFunction f) : f_(f) {}
  void run(const float* const* x, float* const* y, int64_t n) override { f_(x, y, n); }

 private:
  ChainFunction f_;
};

class GeneratedChain final : public Chain {
 public:
  explicit GeneratedChain(std::unique_ptr<ChainAssembler> code) : code_(std::move(code)) {}

  std::unique_ptr<Rows> open(int64_t) const override {
    return std::make_unique<GeneratedRows>(code_->getCode<ChainFunction>());
  }
  int64_t cached_rows() const override { return 0; }

 private:
  std::unique_ptr<ChainAssembler> code_;
};

}  // namespace

std::unique_ptr<Chain> generate_chain(const Expression& e, const BitOperands& bits) {
  static const bool has_avx512 = Xbyak::util::Cpu().has(Xbyak::util::Cpu::tAVX512F);
  const auto covers = [](const Instruction& i) { return ChainAssembler::covers(i.op); };
  if (!has_avx512 || !std::ranges::all_of(e.code, covers)) return nullptr;
  try {
    auto code = std::make_unique<ChainAssembler>(e, bits);
    return code->fits() ? std::make_unique<GeneratedChain>(std::move(code)) : nullptr;
  } catch (const Xbyak::Error&) {
    return nullptr;  // a system that grants no executable memory
  }
}

}  // namespace onnxray::onednn

#else

namespace onnxray::onednn {

std::unique_ptr<Chain> generate_chain(const Expression&, const BitOperands&) { return nullptr; }

}  // namespace onnxray::onednn

#endif
