#ifdef ONNXRAY_XBYAK

#include "backends/onednn/chain_assembler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace onnxray::onednn {

using Xbyak::Address;
using Xbyak::Opmask;
using Xbyak::Zmm;

namespace {

// x in rdi, y in rsi; rax counts bytes of the row, r10 those of rows of bits, rcx holds an operand's address,
// r8 vectors left, in the end elements left, r9 the numbers, r11 bits on their way.
constexpr int kLanes = 16, kVectorBytes = 64;

}  // namespace

/// A register, or a number in memory that is read into every lane.
struct ChainAssembler::Either {
  Zmm in_register;
  Address in_memory;
  bool is_number;
  operator const Xbyak::Operand&() const {
    return is_number ? static_cast<const Xbyak::Operand&>(in_memory) : in_register;
  }
};

ChainAssembler::ChainAssembler(const Expression& e, const BitOperands& bits)
    : CodeGenerator(4096, Xbyak::AutoGrow), e_(e), bits_(bits) {
  find_lives();
  Xbyak::Label loop, tail, done;
  xor_(eax, eax);
  xor_(r10d, r10d);
  lea(r9, ptr[rip + numbers_label_]);
  vpxord(kZero, kZero, kZero);
  mov(r8, rdx);
  shr(r8, 4);
  jz(tail, T_NEAR);
  align(32);
  L(loop);
  write_body(Lanes::all);
  add(rax, kVectorBytes);
  add(r10, kLanes / 8);
  dec(r8);
  jnz(loop, T_NEAR);
  L(tail);
  mov(ecx, edx);
  and_(ecx, kLanes - 1);
  jz(done, T_NEAR);
  mov(r8d, 1);
  shl(r8d, cl);
  dec(r8d);
  kmovw(kTail, r8d);
  mov(r8d, ecx);
  write_body(Lanes::first_few);
  L(done);
  vzeroupper();
  ret();
  write_numbers();
  ready(PROTECT_RE);
}

bool ChainAssembler::covers(Opcode op) {
  switch (op) {
    case Opcode::copy:
    case Opcode::neg:
    case Opcode::abs:
    case Opcode::relu:
    case Opcode::exp:
    case Opcode::sqrt:
    case Opcode::reciprocal:
    case Opcode::tanh:
    case Opcode::erf:
    case Opcode::sigmoid:
    case Opcode::floor:
    case Opcode::ceil:
    case Opcode::round:
    case Opcode::sign:
    case Opcode::sign_positive:
    case Opcode::add:
    case Opcode::sub:
    case Opcode::mul:
    case Opcode::div:
    case Opcode::min:
    case Opcode::max:
    case Opcode::select:
    case Opcode::clip: return true;
    default: return yields_boolean(op);
  }
}

void ChainAssembler::write_body(Lanes lanes) {
  lanes_ = lanes;
  free_vectors_ = 0x7fffffff;  // 31 is kZero
  free_masks_ = 0xf0;
  std::ranges::fill(input_register_, -1);
  std::ranges::fill(input_mask_, -1);
  std::ranges::fill(result_register_, -1);
  for (int32_t i = 0; i < static_cast<int32_t>(e_.code.size()); ++i) write(i);
  for (size_t k = 0; k < e_.results.size(); ++k) write_result(k);
}

void ChainAssembler::write_result(size_t k) {
  const auto i = static_cast<size_t>(e_.results[k]);
  mov(rcx, ptr[rsi + 8 * k]);
  if (is_mask_[i]) return store_bits(Opmask(result_register_[i]));
  const Zmm y(result_register_[i]);
  if (is_bits(bits_.y, k)) {
    vcmpps(kScratchA, y, kZero, kNotEqual);
    return store_bits(kScratchA);
  }
  if (lanes_ == Lanes::all)
    vmovups(ptr[rcx + rax], y);
  else
    vmovups(ptr[rcx + rax] | kTail, y);
}

void ChainAssembler::store_bits(const Opmask& y) {
  if (lanes_ == Lanes::all) return kmovw(ptr[rcx + r10], y);
  Xbyak::Label done;
  kandw(kScratchB, y, kTail);
  kmovw(r11d, kScratchB);
  mov(byte[rcx + r10], r11b);
  cmp(r8d, 8);
  jle(done);
  shr(r11d, 8);
  mov(byte[rcx + r10 + 1], r11b);
  L(done);
}

void ChainAssembler::load_bits(const Opmask& x) {
  if (lanes_ == Lanes::all) return kmovw(x, ptr[rcx + r10]);
  Xbyak::Label both, done;
  cmp(r8d, 8);
  jg(both);
  movzx(r11d, byte[rcx + r10]);
  jmp(done);
  L(both);
  movzx(r11d, word[rcx + r10]);
  L(done);
  kmovw(x, r11d);
}

void ChainAssembler::write(int32_t i) {
  const Instruction& in = e_.code[static_cast<size_t>(i)];
  // The result's register is taken before those of operands are given back: several instructions may write
  // it.
  if (is_mask_[static_cast<size_t>(i)]) {
    const Opmask y(take(free_masks_));
    write_boolean(in, y);
    result_register_[static_cast<size_t>(i)] = y.getIdx();
  } else {
    const Zmm y = take_vector();
    if (yields_boolean(in.op)) {
      write_boolean(in, kScratchA);
      fill(y | kScratchA | T_z, 1);
    } else {
      write_real(in, y);
    }
    result_register_[static_cast<size_t>(i)] = y.getIdx();
  }
  free_vectors_ |= temporaries_;
  temporaries_ = 0;
  end_lives(i);
}

void ChainAssembler::write_real(const Instruction& in, const Zmm& y) {
  switch (in.op) {
    case Opcode::copy: return vmovaps(y, real(in.a));
    case Opcode::neg: return vpxord(y, real(in.a), number(-0.0));
    case Opcode::abs: return vpandd(y, real(in.a), number(kAllButSign));
    case Opcode::relu: return vmaxps(y, kZero, real(in.a));  // the second operand where either is NaN
    case Opcode::exp: return exp(y, real(in.a));
    case Opcode::sqrt: return vsqrtps(y, real(in.a));
    case Opcode::reciprocal: return fill(y, 1), vdivps(y, y, real(in.a));
    case Opcode::tanh: return tanh(y, real(in.a));
    case Opcode::erf: return erf(y, real(in.a));
    case Opcode::sigmoid: return sigmoid(y, real(in.a));
    case Opcode::floor: return vrndscaleps(y, real(in.a), kDown);
    case Opcode::ceil: return vrndscaleps(y, real(in.a), kUp);
    case Opcode::round: return vrndscaleps(y, real(in.a), kNearest);
    case Opcode::sign: return sign(y, real(in.a), false);
    case Opcode::sign_positive: return sign(y, real(in.a), true);
    case Opcode::add: return vaddps(y, real(in.a), either(in.b));
    case Opcode::sub: return vsubps(y, real(in.a), either(in.b));
    case Opcode::mul: return vmulps(y, real(in.a), either(in.b));
    case Opcode::div: return vdivps(y, real(in.a), either(in.b));
    // vminps and vmaxps give the second operand where either is NaN: a NaN in the first is put back.
    case Opcode::min: return vminps(y, real(in.a), either(in.b)), put_back_nan(y, in.a);
    case Opcode::max: return vmaxps(y, real(in.a), either(in.b)), put_back_nan(y, in.a);
    case Opcode::select: return vblendmps(y | mask(in.a, kScratchA), real(in.c), either(in.b));
    case Opcode::clip:
      vmaxps(y, real(in.b), real(in.a)), put_back_nan(y, in.b);
      return vminps(y, real(in.c), y), put_back_nan(y, in.c);
    default: fits_ = false;  // covers() keeps the others out
  }
}

void ChainAssembler::write_boolean(const Instruction& in, const Opmask& y) {
  switch (in.op) {
    case Opcode::equal: return vcmpps(y, real(in.a), either(in.b), kEqual);
    case Opcode::less: return vcmpps(y, real(in.a), either(in.b), kLess);
    case Opcode::less_equal: return vcmpps(y, real(in.a), either(in.b), kLessEqual);
    case Opcode::is_nan: return vcmpps(y, real(in.a), real(in.a), kUnordered);
    case Opcode::is_inf: {
      const Zmm size = temporary();
      vpandd(size, real(in.a), number(kAllButSign));
      return vcmpps(y, size, number(std::numeric_limits<float>::infinity()), kEqual);
    }
    case Opcode::logical_not: return knotw(y, mask(in.a, kScratchA));
    case Opcode::logical_and: return kandw(y, mask(in.a, kScratchA), mask(in.b, kScratchB));
    case Opcode::logical_or: return korw(y, mask(in.a, kScratchA), mask(in.b, kScratchB));
    case Opcode::logical_xor: return kxorw(y, mask(in.a, kScratchA), mask(in.b, kScratchB));
    default: fits_ = false;
  }
}

void ChainAssembler::put_back_nan(const Zmm& y, const Source& s) {
  if (s.kind == Source::Kind::immediate && !std::isnan(s.value)) return;
  const Zmm x = real(s);
  vcmpps(kScratchA, x, x, kUnordered);
  vmovaps(y | kScratchA, x);
}

void ChainAssembler::sign(const Zmm& y, const Zmm& x, bool is_zero_positive) {
  if (is_zero_positive) {
    fill(y, 1);
  } else {
    vmovaps(y, x);
    vcmpps(kScratchA, x, kZero, kGreater);
    fill(y | kScratchA, 1);
  }
  vcmpps(kScratchA, x, kZero, kLess);
  fill(y | kScratchA, -1);
}

void ChainAssembler::write_numbers() {
  align(64);
  L(numbers_label_);
  for (const uint32_t bits : numbers_) dd(bits);
}

Zmm ChainAssembler::real(const Source& s) {
  switch (s.kind) {
    case Source::Kind::result: return Zmm(result_register_[static_cast<size_t>(s.index)]);
    case Source::Kind::immediate: {
      if (std::bit_cast<uint32_t>(static_cast<float>(s.value)) == 0) return kZero;
      const Zmm y = temporary();
      fill(y, s.value);
      return y;
    }
    case Source::Kind::input: break;
  }
  int& known = input_register_[static_cast<size_t>(s.index)];
  if (known >= 0) return Zmm(known);
  const Zmm x = take_vector();
  known = x.getIdx();
  if (is_bits(bits_.x, static_cast<size_t>(s.index))) {
    fill(x | input_bits(s.index) | T_z, 1);
    return x;
  }
  mov(rcx, ptr[rdi + 8 * s.index]);
  if (lanes_ == Lanes::all)
    vmovups(x, ptr[rcx + rax]);
  else
    vmovups(x | kTail | T_z, ptr[rcx + rax]);
  return x;
}

ChainAssembler::Either ChainAssembler::either(const Source& s) {
  if (s.kind == Source::Kind::immediate && static_cast<float>(s.value) != 0)
    return {kZero, number(s.value), true};
  return {real(s), ptr_b[r9], false};
}

Opmask ChainAssembler::mask(const Source& s, const Opmask& scratch) {
  if (s.kind == Source::Kind::result && is_mask_[static_cast<size_t>(s.index)])
    return Opmask(result_register_[static_cast<size_t>(s.index)]);
  if (s.kind == Source::Kind::input && is_bits(bits_.x, static_cast<size_t>(s.index)))
    return input_bits(s.index);
  vcmpps(scratch, real(s), kZero, kNotEqual);
  return scratch;
}

Opmask ChainAssembler::input_bits(int32_t i) {
  int& known = input_mask_[static_cast<size_t>(i)];
  if (known >= 0) return Opmask(known);
  const Opmask x(take(free_masks_));
  known = x.getIdx();
  mov(rcx, ptr[rdi + 8 * i]);
  load_bits(x);
  return x;
}

void ChainAssembler::fill(const Zmm& y, double value) { vbroadcastss(y, ptr[place_of(value)]); }

Address ChainAssembler::number(double value) { return ptr_b[place_of(value)]; }

Xbyak::RegExp ChainAssembler::place_of(double value) {
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  const auto known = std::ranges::find(numbers_, bits);
  const auto at = known - numbers_.begin();
  if (known == numbers_.end()) numbers_.push_back(bits);
  return r9 + 4 * at;
}

void ChainAssembler::find_lives() {
  size_t inputs = 0;
  const auto each_source = [&](auto f) {
    for (size_t i = 0; i < e_.code.size(); ++i) {
      const Source sources[] = {e_.code[i].a, e_.code[i].b, e_.code[i].c};
      for (int k = 0; k < arity(e_.code[i].op); ++k) f(static_cast<int32_t>(i), sources[k]);
    }
  };
  each_source([&](int32_t, const Source& s) {
    if (s.kind == Source::Kind::input) inputs = std::max(inputs, static_cast<size_t>(s.index) + 1);
  });
  last_use_of_input_.assign(inputs, -1);
  last_use_of_result_.assign(e_.code.size(), -1);
  each_source([&](int32_t i, const Source& s) {
    if (s.kind == Source::Kind::input) last_use_of_input_[static_cast<size_t>(s.index)] = i;
    if (s.kind == Source::Kind::result) last_use_of_result_[static_cast<size_t>(s.index)] = i;
  });
  for (const int32_t result : e_.results)
    last_use_of_result_[static_cast<size_t>(result)] = std::numeric_limits<int32_t>::max();
  input_register_.resize(inputs);
  input_mask_.resize(inputs);
  result_register_.resize(e_.code.size());
  for (size_t i = 0; i < e_.code.size(); ++i) is_mask_.push_back(stays_mask(static_cast<int32_t>(i)));
}

/// Whether all that read result i ask only whether it is 0, and it is stored as bits if at all.
bool ChainAssembler::stays_mask(int32_t i) const {
  if (!yields_boolean(e_.code[static_cast<size_t>(i)].op)) return false;
  for (size_t k = 0; k < e_.results.size(); ++k) {
    if (e_.results[k] == i && !is_bits(bits_.y, k)) return false;
  }
  return std::ranges::all_of(e_.code, [&](const Instruction& reader) {
    const auto is_i = [&](const Source& s) { return s.kind == Source::Kind::result && s.index == i; };
    switch (reader.op) {
      case Opcode::logical_not:
      case Opcode::logical_and:
      case Opcode::logical_or:
      case Opcode::logical_xor: return true;
      case Opcode::select: return !is_i(reader.b) && !is_i(reader.c);
      default:
        return !is_i(reader.a) && !(arity(reader.op) > 1 && is_i(reader.b)) &&
               !(arity(reader.op) > 2 && is_i(reader.c));
    }
  });
}

void ChainAssembler::end_lives(int32_t i) {
  for (size_t x = 0; x < last_use_of_input_.size(); ++x) {
    if (last_use_of_input_[x] != i) continue;
    if (input_register_[x] >= 0) free_vectors_ |= 1u << input_register_[x];
    if (input_mask_[x] >= 0) free_masks_ |= 1u << input_mask_[x];
  }
  for (size_t r = 0; r <= static_cast<size_t>(i); ++r) {
    const bool ends =
        last_use_of_result_[r] == i || (r == static_cast<size_t>(i) && last_use_of_result_[r] < 0);
    if (ends) (is_mask_[r] ? free_masks_ : free_vectors_) |= 1u << result_register_[r];
  }
}

int ChainAssembler::take(uint32_t& free) {
  if (free == 0) {
    fits_ = false;
    return 4;
  }
  const int index = std::countr_zero(free);
  free &= free - 1;
  return index;
}

Zmm ChainAssembler::temporary() {
  const Zmm y = take_vector();
  temporaries_ |= 1u << y.getIdx();
  return y;
}

}  // namespace onnxray::onednn

#endif
