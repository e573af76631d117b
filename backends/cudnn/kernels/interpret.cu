#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"

// Elementwise chains without a run-time compiler: one thread per element goes through the instructions.

namespace onnxray::cudnn {

namespace {

constexpr int kOperands = 12;  // inputs and outputs together
constexpr int kResults = 40;   // instructions

template <class D>
struct Instruction3 {
  Opcode op;
  Source::Kind kind[3];
  int32_t index[3];
  D value[3];
};

template <class D>
ONNXRAY_DEVICE D apply(Opcode op, D a, D b, D c) {
  switch (op) {
    case Opcode::copy: return op_copy(a);
    case Opcode::neg: return op_neg(a);
    case Opcode::abs: return op_abs(a);
    case Opcode::relu: return op_relu(a);
    case Opcode::exp: return op_exp(a);
    case Opcode::log: return op_log(a);
    case Opcode::sqrt: return op_sqrt(a);
    case Opcode::reciprocal: return op_reciprocal(a);
    case Opcode::sin: return op_sin(a);
    case Opcode::cos: return op_cos(a);
    case Opcode::tan: return op_tan(a);
    case Opcode::asin: return op_asin(a);
    case Opcode::acos: return op_acos(a);
    case Opcode::atan: return op_atan(a);
    case Opcode::sinh: return op_sinh(a);
    case Opcode::cosh: return op_cosh(a);
    case Opcode::asinh: return op_asinh(a);
    case Opcode::acosh: return op_acosh(a);
    case Opcode::atanh: return op_atanh(a);
    case Opcode::tanh: return op_tanh(a);
    case Opcode::erf: return op_erf(a);
    case Opcode::sigmoid: return op_sigmoid(a);
    case Opcode::softplus: return op_softplus(a);
    case Opcode::floor: return op_floor(a);
    case Opcode::ceil: return op_ceil(a);
    case Opcode::round: return op_round(a);
    case Opcode::is_nan: return op_is_nan(a);
    case Opcode::is_inf: return op_is_inf(a);
    case Opcode::logical_not: return op_not(a);
    case Opcode::bitwise_not: return op_bitwise_not(a);
    case Opcode::sign: return op_sign(a);
    case Opcode::sign_positive: return op_sign_positive(a);
    case Opcode::add: return op_add(a, b);
    case Opcode::sub: return op_sub(a, b);
    case Opcode::mul: return op_mul(a, b);
    case Opcode::div: return op_div(a, b);
    case Opcode::pow: return op_pow(a, b);
    case Opcode::min: return op_min(a, b);
    case Opcode::max: return op_max(a, b);
    case Opcode::fmod: return op_fmod(a, b);
    case Opcode::mod: return op_mod(a, b);
    case Opcode::equal: return op_equal(a, b);
    case Opcode::less: return op_less(a, b);
    case Opcode::less_equal: return op_less_equal(a, b);
    case Opcode::logical_and: return op_and(a, b);
    case Opcode::logical_or: return op_or(a, b);
    case Opcode::logical_xor: return op_xor(a, b);
    case Opcode::bitwise_and: return op_bitwise_and(a, b);
    case Opcode::bitwise_or: return op_bitwise_or(a, b);
    case Opcode::bitwise_xor: return op_bitwise_xor(a, b);
    case Opcode::shift_left: return op_shift_left(a, b);
    case Opcode::shift_right: return op_shift_right(a, b);
    case Opcode::select: return op_select(a, b, c);
    case Opcode::clip: return op_clip(a, b, c);
  }
  return a;
}

template <class D>
struct Interpret {
  const Instruction3<D>* code;
  int instructions, inputs, outputs;
  const std::byte* in[kOperands];
  std::byte* out[kOperands];
  Storage held[kOperands];  // of the inputs
  int32_t results[kOperands];
  StoreAs as[kOperands];
  Storage out_held[kOperands];
  Places<kOperands> places;  // sets: outputs, then inputs

  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto at = places(i);
    D value[kResults];
    for (int n = 0; n < instructions; ++n) {
      const Instruction3<D>& instruction = code[n];
      D operand[3];
      for (int k = 0; k < 3; ++k) {
        const int32_t index = instruction.index[k];
        switch (instruction.kind[k]) {
          case Source::Kind::input: operand[k] = load(index, at.offset[outputs + index]); break;
          case Source::Kind::result: operand[k] = value[index]; break;
          case Source::Kind::immediate: operand[k] = instruction.value[k]; break;
        }
      }
      value[n] = apply(instruction.op, operand[0], operand[1], operand[2]);
    }
    for (int k = 0; k < outputs; ++k) store(k, at.offset[k], value[results[k]]);
  }

 private:
  ONNXRAY_DEVICE D load(int k, int64_t offset) const {
    switch (held[k]) {
      case Storage::int64: return static_cast<D>(reinterpret_cast<const Whole*>(in[k])[offset]);
      case Storage::byte: return static_cast<D>(reinterpret_cast<const unsigned char*>(in[k])[offset]);
      case Storage::real: break;
    }
    const float x = reinterpret_cast<const float*>(in[k])[offset];
    if constexpr (std::is_floating_point_v<D>)
      return x;
    else
      return truncated(static_cast<double>(x));
  }

  ONNXRAY_DEVICE void store(int k, int64_t offset, D value) const {
    switch (out_held[k]) {
      case Storage::int64: reinterpret_cast<Whole*>(out[k])[offset] = as[k].to<Whole>(value); return;
      case Storage::byte:
        reinterpret_cast<unsigned char*>(out[k])[offset] = as[k].to<unsigned char>(value);
        return;
      case Storage::real: break;
    }
    reinterpret_cast<float*>(out[k])[offset] = static_cast<float>(value);
  }
};

template <class D>
std::vector<Instruction3<D>> translate(const Expression& expression) {
  std::vector<Instruction3<D>> code;
  for (const Instruction& instruction : expression.code) {
    Instruction3<D> to{instruction.op, {}, {}, {}};
    int k = 0;
    for (const Source* s : {&instruction.a, &instruction.b, &instruction.c}) {
      to.kind[k] = s->kind;
      to.index[k] = s->index;
      if constexpr (std::is_floating_point_v<D>)
        to.value[k] = static_cast<D>(s->value);
      else
        to.value[k] = truncated(s->value);
      ++k;
    }
    code.push_back(to);
  }
  return code;
}

template <class D>
std::unique_ptr<DeviceStep> make_interpreter(const Elementwise& p, const Operands& o) {
  const Shape& shape = o.out[0].shape;
  Interpret<D> kernel{};
  std::vector<Strides> strides;
  size_t k = 0;
  for (const Operand& y : o.out) {
    strides.push_back(y.strides);
    kernel.as[k] = store_as(y.dtype);
    kernel.out_held[k] = storage_of(y.dtype);
    kernel.results[k] = p.expression.results[k];
    ++k;
  }
  k = 0;
  for (const Operand& x : o.in) {
    strides.push_back(broadcast_strides(x.shape, x.strides, shape.size()));
    kernel.held[k++] = storage_of(x.dtype);
  }
  strides.resize(kOperands, Strides(shape.size(), 0));
  kernel.places = make_places<kOperands>(shape, strides, LoopOrder::memory);
  kernel.instructions = static_cast<int>(p.expression.code.size());
  kernel.inputs = static_cast<int>(o.in.size());
  kernel.outputs = static_cast<int>(o.out.size());
  const auto code = upload(translate<D>(p.expression));
  return make_step([=, count = element_count(shape)](const Launch& l, Sources in, Targets out) {
    Interpret<D> now = kernel;
    now.code = code.get();
    for (size_t i = 0; i < in.size(); ++i) now.in[i] = in[i];
    for (size_t i = 0; i < out.size(); ++i) now.out[i] = out[i];
    for_each(l.stream, count, now);
  });
}

}  // namespace

std::unique_ptr<DeviceStep> compile_interpreted(const Elementwise& p, const Operands& o) {
  if (o.in.size() + o.out.size() > kOperands || p.expression.code.size() > kResults) return nullptr;
  if (p.expression.domain == Expression::Domain::real) return make_interpreter<float>(p, o);
  return make_interpreter<Whole>(p, o);
}

}  // namespace onnxray::cudnn
