#include <array>

#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/opcodes.h"
#include "backends/reference/strided.h"

namespace onnxray::reference {

namespace {

/// Elements that one instruction handles before the next one runs: few enough to stay in the first-level
/// cache.
constexpr int64_t kBlock = 512;

template <class E, class D>
void load_elements(const std::byte* src, int64_t offset, int64_t step, int64_t n, D* dst) {
  const E* s = in_as<E>(src) + offset;
  if constexpr (std::is_same_v<E, D>) {
    if (step == 1) {
      std::memcpy(dst, s, static_cast<size_t>(n) * sizeof(E));
      return;
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_floating_point_v<E> && !std::is_floating_point_v<D>) {
      dst[i] = truncated(static_cast<double>(s[i * step]));
    } else {
      dst[i] = static_cast<D>(s[i * step]);
    }
  }
}

template <class D>
void load_bits(const std::byte* src, int64_t offset, int64_t step, int64_t n, D* dst) {
  const auto* bits = in_as<uint8_t>(src);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = offset + i * step;
    dst[i] = static_cast<D>(bits[at / 8] >> (at % 8) & 1);
  }
}

template <class D>
void store_bits(std::byte* dst, int64_t offset, int64_t step, int64_t n, const D* src) {
  auto* bits = out_as<uint8_t>(dst);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = offset + i * step;
    const auto bit = static_cast<uint8_t>(1 << at % 8);
    bits[at / 8] = static_cast<uint8_t>(src[i] != D{0} ? bits[at / 8] | bit : bits[at / 8] & ~bit);
  }
}

template <class E, class D>
void store_elements(std::byte* dst, DType dtype, int64_t offset, int64_t step, int64_t n, const D* src) {
  E* d = out_as<E>(dst) + offset;
  if constexpr (std::is_same_v<E, D> && std::is_floating_point_v<E>) {
    if (step == 1) {
      std::memcpy(d, src, static_cast<size_t>(n) * sizeof(E));
      return;
    }
  }
  for (int64_t i = 0; i < n; ++i) d[i * step] = to_element<E>(dtype, src[i]);
}

/// Interprets an expression block by block in the domain D: T or int64_t.
template <class T, class D>
class ElementwiseKernel final : public Kernel {
 public:
  ElementwiseKernel(const Expression& expression, const Operands& o)
      : code_(expression.code), results_(expression.results), walk_(make_walk(o)) {
    for (const Operand& x : o.in) in_.push_back({x.dtype, x.bits});
    for (const Operand& y : o.out) out_.push_back({y.dtype, y.bits});
    buffers_.resize((in_.size() + code_.size()) * kBlock);
    for (const Instruction& instruction : code_) {
      for (const Source* s : {&instruction.a, &instruction.b, &instruction.c}) {
        if (s->kind == Source::Kind::immediate) add_number(s->value);
      }
    }
  }

  void run(Sources in, Targets out) override {
    // Short rows share a block, so that the cost of interpreting is spread over many elements.
    std::vector<int64_t> rows;
    int64_t held = 0;
    walk_.rows([&](const int64_t* at) {
      for (int64_t done = 0; done < walk_.row_extent();) {
        const int64_t n = std::min(walk_.row_extent() - done, kBlock - held);
        rows.push_back(n);
        for (size_t s = 0; s < out_.size() + in_.size(); ++s) rows.push_back(at[s] + done * walk_.step(s));
        done += n;
        held += n;
        if (held < kBlock) continue;
        run_block(rows, held, in, out);
        rows.clear();
        held = 0;
      }
    });
    if (held > 0) run_block(rows, held, in, out);
  }

 private:
  struct Held {
    DType dtype;
    bool bits;
  };

  /// Calls f(extent, offset in stride set `set`) for each row that `rows` lists: an extent and an offset per
  /// set, of the outputs and then of the inputs.
  template <class F>
  void each_row(const std::vector<int64_t>& rows, size_t set, F f) const {
    const size_t record = 1 + out_.size() + in_.size();
    for (size_t r = 0; r < rows.size(); r += record) f(rows[r], rows[r + 1 + set]);
  }

  static Walk make_walk(const Operands& o) {
    const Shape& shape = o.out[0].shape;
    std::vector<Strides> strides;
    for (const Operand& y : o.out) strides.push_back(y.strides);
    for (const Operand& x : o.in) strides.push_back(broadcast_strides(x.shape, x.strides, shape.size()));
    return {shape, std::move(strides), Walk::Order::fastest};
  }

  void add_number(double value) {
    D number;
    if constexpr (std::is_floating_point_v<D>)
      number = static_cast<D>(value);
    else
      number = truncated(value);
    numbers_.emplace_back().fill(number);
  }

  D* input_buffer(size_t i) { return buffers_.data() + i * kBlock; }
  D* result_buffer(size_t i) { return buffers_.data() + (in_.size() + i) * kBlock; }

  const D* operand(const Source& s, size_t& next_number) {
    switch (s.kind) {
      case Source::Kind::input: return input_buffer(static_cast<size_t>(s.index));
      case Source::Kind::result: return result_buffer(static_cast<size_t>(s.index));
      case Source::Kind::immediate: break;
    }
    return numbers_[next_number++].data();
  }

  void run_block(const std::vector<int64_t>& rows, int64_t n, Sources in, Targets out) {
    load(rows, in);
    size_t next_number = 0;
    for (size_t i = 0; i < code_.size(); ++i) {
      const D* a = operand(code_[i].a, next_number);
      const D* b = operand(code_[i].b, next_number);
      const D* c = operand(code_[i].c, next_number);
      apply(code_[i].op, n, result_buffer(i), a, b, c);
    }
    store(rows, out);
  }

  void load(const std::vector<int64_t>& rows, Sources in) {
    for (size_t i = 0; i < in_.size(); ++i) {
      const size_t set = out_.size() + i;
      D* dst = input_buffer(i);
      with_storage<T>(in_[i].dtype, [&]<class E>(std::type_identity<E>) {
        each_row(rows, set, [&](int64_t extent, int64_t offset) {
          if (in_[i].bits)
            load_bits(in[i], offset, walk_.step(set), extent, dst);
          else
            load_elements<E>(in[i], offset, walk_.step(set), extent, dst);
          dst += extent;
        });
      });
    }
  }

  void store(const std::vector<int64_t>& rows, Targets out) {
    for (size_t i = 0; i < out_.size(); ++i) {
      const D* src = result_buffer(static_cast<size_t>(results_[i]));
      with_storage<T>(out_[i].dtype, [&]<class E>(std::type_identity<E>) {
        each_row(rows, i, [&](int64_t extent, int64_t offset) {
          if (out_[i].bits)
            store_bits(out[i], offset, walk_.step(i), extent, src);
          else
            store_elements<E>(out[i], out_[i].dtype, offset, walk_.step(i), extent, src);
          src += extent;
        });
      });
    }
  }

  std::vector<Instruction> code_;
  std::vector<int32_t> results_;
  Walk walk_;
  std::vector<Held> in_, out_;
  std::vector<D> buffers_;
  std::vector<std::array<D, kBlock>> numbers_;  // immediates, in the order in which the code reads them
};

}  // namespace

template <class T>
std::unique_ptr<Kernel> compile(const Elementwise& p, const Operands& o) {
  if (p.expression.domain == Expression::Domain::real) {
    return std::make_unique<ElementwiseKernel<T, T>>(p.expression, o);
  }
  return std::make_unique<ElementwiseKernel<T, int64_t>>(p.expression, o);
}

template std::unique_ptr<Kernel> compile<float>(const Elementwise&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Elementwise&, const Operands&);

}  // namespace onnxray::reference
