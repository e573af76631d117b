#pragma once

#include <xbyak/xbyak.h>

#include <bit>
#include <vector>

#include "backends/onednn/chain.h"
#include "core/expression.h"

namespace onnxray::onednn {

/// Writes the machine code of a chain: void f(const float* const* x, float* const* y, int64_t n), AVX-512,
/// under the calling convention of System V.
class ChainAssembler : public Xbyak::CodeGenerator {
 public:
  explicit ChainAssembler(const Expression& e, const BitOperands& bits = {});

  /// Whether there are instructions for `op`.
  static bool covers(Opcode op);
  /// False where the registers did not suffice: the code is then worthless.
  bool fits() const { return fits_; }

 private:
  enum class Lanes : uint8_t { all, first_few };
  /// Of vcmpps; those of 16 and more signal nothing for NaN.
  enum Predicate : uint8_t {
    kEqual = 0,
    kUnordered = 3,
    kNotEqual = 4,
    kLess = 17,
    kLessEqual = 18,
    kGreater = 30
  };
  /// Of vrndscaleps.
  enum Rounding : uint8_t { kNearest = 8, kDown = 9, kUp = 10 };
  static inline const Xbyak::Opmask kTail{1}, kScratchA{2}, kScratchB{3};
  static inline const Xbyak::Zmm kZero{31};
  static constexpr float kAllButSign = std::bit_cast<float>(0x7fffffffu);

  void write_body(Lanes lanes);
  void write(int32_t i);
  void write_real(const Instruction& in, const Xbyak::Zmm& y);
  void write_boolean(const Instruction& in, const Xbyak::Opmask& y);
  void write_result(size_t k);
  void store_bits(const Xbyak::Opmask& y);
  void load_bits(const Xbyak::Opmask& x);
  void write_numbers();

  // An operand in a register, in a register or as a number in memory, or as a mask that says where it is not
  // 0.
  struct Either;
  Xbyak::Zmm real(const Source& s);
  Either either(const Source& s);
  Xbyak::Opmask mask(const Source& s, const Xbyak::Opmask& scratch);
  Xbyak::Opmask input_bits(int32_t i);
  bool is_bits(const std::vector<bool>& bits, size_t i) const { return i < bits.size() && bits[i]; }
  Xbyak::Address number(double value);
  Xbyak::RegExp place_of(double value);
  void fill(const Xbyak::Zmm& y, double value);

  /// y where s is a number, s where it is NaN.
  void put_back_nan(const Xbyak::Zmm& y, const Source& s);
  void sign(const Xbyak::Zmm& y, const Xbyak::Zmm& x, bool is_zero_positive);
  void polynomial(const Xbyak::Zmm& y, const Xbyak::Zmm& x, std::initializer_list<double> coefficients);
  void exp(const Xbyak::Zmm& y, const Xbyak::Zmm& x);
  void sigmoid(const Xbyak::Zmm& y, const Xbyak::Zmm& x);
  void tanh(const Xbyak::Zmm& y, const Xbyak::Zmm& x);
  void erf(const Xbyak::Zmm& y, const Xbyak::Zmm& x);

  void find_lives();
  bool stays_mask(int32_t i) const;
  void end_lives(int32_t i);
  int take(uint32_t& free);
  Xbyak::Zmm take_vector() { return Xbyak::Zmm(take(free_vectors_)); }
  Xbyak::Zmm temporary();

  const Expression& e_;
  const BitOperands& bits_;
  std::vector<int32_t> last_use_of_input_, last_use_of_result_;
  std::vector<bool> is_mask_;  // by result: kept in a mask register

  std::vector<int> input_register_, input_mask_, result_register_;
  uint32_t free_vectors_ = 0, free_masks_ = 0, temporaries_ = 0;
  Lanes lanes_ = Lanes::all;
  bool fits_ = true;

  std::vector<uint32_t> numbers_;  // the bits of floats, behind the code
  Xbyak::Label numbers_label_;
};

}  // namespace onnxray::onednn
