#pragma once

#include <memory>
#include <vector>

#include "core/expression.h"

namespace onnxray::onednn {

/// Which operands are bits, the lowest of a byte first, in place of floats; their rows start at whole bytes.
struct BitOperands {
  std::vector<bool> x, y;  ///< none where empty
};

/// An expression over rows of floats: y_k[i] = result k at x_0[i], x_1[i], ... for i < n. Booleans are 0
/// and 1.
class Chain {
 public:
  virtual ~Chain() = default;

  /// What one thread needs to run the chain.
  class Rows {
   public:
    virtual ~Rows() = default;
    /// A `y` may be one of `x` if all others are bits. Bits are passed by the address of their first byte.
    virtual void run(const float* const* x, float* const* y, int64_t n) = 0;
  };
  /// For rows of at most `longest` elements. The chain must outlive what it returns.
  virtual std::unique_ptr<Rows> open(int64_t longest) const = 0;

  /// How many floats per element of a row should stay in the L1 cache while the chain runs.
  virtual int64_t cached_rows() const = 0;
};

/// One loop over the row for each instruction. The expression's opcodes must have loops
/// (instruction_loops.h). All operands are floats; where `overwrites`, a `y` may be one of `x` beside others.
std::unique_ptr<Chain> interpret_chain(const Expression& e, size_t inputs, bool overwrites = false);

/// Machine code with one loop over the row for all instructions, whose intermediate results stay in
/// registers. Null where the processor has no AVX-512, the build no Xbyak, or the code would need more
/// registers than there are or an opcode that it does not cover.
std::unique_ptr<Chain> generate_chain(const Expression& e, const BitOperands& bits = {});

}  // namespace onnxray::onednn
