#include <algorithm>
#include <memory>
#include <numeric>

#include "backends/onednn/chain.h"
#include "backends/onednn/instruction_loops.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/loop_nest.h"
#include "backends/onednn/plane_copy.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// What the chain rereads stays in the L1 cache: at most so many elements of a row, of all cached rows
/// together at most so many bytes.
constexpr int64_t kLongestBlock = 2048, kBlockBytes = 24 << 10;
/// So many instructions take as long as their operands' way from memory; each group more counts as an element
/// more of work.
constexpr int64_t kCheap = 4;

/// How an input reaches the instructions.
struct Input {
  size_t operand = 0;
  Storage storage = Storage::real;
  Strides strides;        // by loop
  bool is_dense = false;  // lies as the result does: read in place where it is real
  bool repeats = false;   // the same elements in every block: loaded once
  bool bits = false;
};

struct Output {
  Storage storage = Storage::real;
  bool is_dense = false;  // lies in the order of the walk
  bool bits = false;
  bool is_direct() const { return is_dense && storage == Storage::real; }
};

class ElementwiseKernel final : public Kernel {
 public:
  ElementwiseKernel(const Expression& e, Operands in, Operands out) {
    std::vector<Strides> strides;
    const size_t rank = out[0].shape.size();
    for (const Operand& o : out) strides.push_back(o.strides);
    for (const Operand& o : in) strides.push_back(broadcast_strides(o.shape, o.strides, rank));
    nest_ = collapse(out[0].shape, strides);
    work_ = 1 + std::ssize(e.code) / kCheap;
    total_ = nest_.trips();
    for (size_t i = 0; i < out.size(); ++i)
      outputs_.push_back({storage_of(out[i].dtype), lies_dense(nest_.strides[i]), out[i].bits});
    make_chain(e, in);
    choose_block(in);
    split_into_blocks();
    for (size_t i = 0; i < in.size(); ++i) add_input(i, in[i], nest_.strides[out.size() + i]);
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    in_parallel(blocks_, total_ * work_,
                [&](int64_t first, int64_t last) { run_blocks(first, last, in, out); });
  }

 private:
  void make_chain(const Expression& e, Operands in) {
    BitOperands bits;
    for (const Operand& o : in) bits.x.push_back(o.bits);
    for (const Output& o : outputs_) bits.y.push_back(o.bits);
    const bool gives_bits = std::ranges::find(bits.y, true) != bits.y.end();
    has_bits_ = gives_bits || std::ranges::find(bits.x, true) != bits.x.end();
    chain_ = generate_chain(e, bits);
    takes_bits_ = chain_ != nullptr;
    if (!chain_) chain_ = interpret_chain(e, in.size(), gives_bits);
  }

  /// Whether element i of the walk is at offset i.
  bool lies_dense(const Strides& strides) const {
    int64_t stride = 1;
    for (size_t i = nest_.depth(); i-- > 0;) {
      if (nest_.extents[i] > 1 && strides[i] != stride) return false;
      stride *= nest_.extents[i];
    }
    return true;
  }

  void choose_block(Operands in) {
    int64_t rows = chain_->cached_rows();
    for (size_t i = 0; i < in.size(); ++i) {
      const bool in_place = (takes_bits_ && in[i].bits) || (storage_of(in[i].dtype) == Storage::real &&
                                                            lies_dense(nest_.strides[outputs_.size() + i]));
      if (!in_place) ++rows;
    }
    for (const Output& o : outputs_) {
      if (!o.is_direct() && !(takes_bits_ && o.bits)) ++rows;
    }
    const int64_t fitting = kBlockBytes / (std::max<int64_t>(rows, 1) * int64_t{sizeof(float)}) / 64 * 64;
    block_ = std::clamp<int64_t>(fitting, 64, kLongestBlock);
  }

  /// Blocks hold whole rows, or a row is cut into even pieces. Those of bits start at whole bytes, so that no
  /// two threads write to one.
  void split_into_blocks() {
    row_ = nest_.extents.back();
    const int64_t rows_of_bytes = has_bits_ ? 8 / std::gcd(row_, int64_t{8}) : 1;
    const bool may_cut = rows_of_bytes == 1 || row_ == total_;
    if (row_ <= block_ || !may_cut) {
      rows_per_block_ = std::max(block_ / row_ / rows_of_bytes, int64_t{1}) * rows_of_bytes;
      piece_ = row_ * rows_per_block_;
      block_ = std::max(block_, piece_);
      blocks_ = (total_ / row_ + rows_per_block_ - 1) / rows_per_block_;
      return;
    }
    pieces_ = (row_ + block_ - 1) / block_;
    piece_ = ((row_ + pieces_ - 1) / pieces_ + 63) / 64 * 64;
    pieces_ = (row_ + piece_ - 1) / piece_;
    blocks_ = total_ / row_ * pieces_;
  }

  bool cuts_rows() const { return pieces_ > 0; }

  void add_input(size_t index, const Operand& operand, const Strides& strides) {
    Input input{index, storage_of(operand.dtype), strides, lies_dense(strides), false, operand.bits};
    const bool fixed_rows = std::all_of(strides.begin(), strides.end() - 1, [](int64_t s) { return s == 0; });
    input.repeats = fixed_rows && (strides.back() == 0 || !cuts_rows()) && blocks_ > 1;
    inputs_.push_back(std::move(input));
  }

  void run_blocks(int64_t first, int64_t last, std::span<const std::byte* const> in,
                  std::span<std::byte* const> out) const {
    const auto rows = chain_->open(std::min(block_, total_));
    const size_t operands = inputs_.size() + outputs_.size();
    const auto memory = std::make_unique_for_overwrite<float[]>(operands * static_cast<size_t>(block_));
    std::vector<float*> own(operands);
    for (size_t i = 0; i < operands; ++i) own[i] = memory.get() + i * static_cast<size_t>(block_);
    std::vector<const float*> x(inputs_.size());
    std::vector<float*> y(own.begin() + std::ssize(inputs_), own.end());
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].repeats) x[i] = load(inputs_[i], in[i], own[i], 0, std::min(piece_, total_));
    }
    for (int64_t block = first; block < last; ++block) {
      const auto [start, count] = extent_of(block);
      for (size_t i = 0; i < inputs_.size(); ++i) {
        if (!inputs_[i].repeats) x[i] = load(inputs_[i], in[i], own[i], start, count);
      }
      for (size_t i = 0; i < outputs_.size(); ++i) {
        if (outputs_[i].is_direct()) y[i] = reinterpret_cast<float*>(out[i]) + start;
        if (outputs_[i].bits && takes_bits_) y[i] = reinterpret_cast<float*>(out[i] + start / 8);
      }
      rows->run(x.data(), y.data(), count);
      for (size_t i = 0; i < outputs_.size(); ++i) {
        if (!outputs_[i].is_direct() && !(outputs_[i].bits && takes_bits_))
          store(i, out[i], y[i], start, count);
      }
    }
  }

  struct Extent {
    int64_t start, count;
  };

  Extent extent_of(int64_t block) const {
    if (!cuts_rows()) return {block * piece_, std::min(piece_, total_ - block * piece_)};
    const int64_t row = block / pieces_, offset = block % pieces_ * piece_;
    return {row * row_ + offset, std::min(piece_, row_ - offset)};
  }

  /// Calls f(offset into the operand, offset into the block, count) for each part of a block that lies in one
  /// row.
  template <class F>
  void for_each_row(const Strides& strides, int64_t start, int64_t count, F f) const {
    const size_t outer = nest_.depth() - 1;
    if (cuts_rows()) return f(offset_of(start, nest_.extents, strides, outer + 1), int64_t{0}, count);
    for (int64_t done = 0; done < count; done += row_) {
      f(offset_of((start + done) / row_, nest_.extents, strides, outer), done, row_);
    }
  }

  const float* load(const Input& input, const std::byte* data, float* to, int64_t start,
                    int64_t count) const {
    const auto* reals = reinterpret_cast<const float*>(data);
    if (input.storage == Storage::real) {
      if (input.is_dense) return reals + start;
      const int64_t stride = input.strides.back();
      if (cuts_rows() && stride == 1)
        return reals + offset_of(start, nest_.extents, input.strides, nest_.depth());
    }
    if (input.bits) {
      const std::byte* bits = data + start / 8;
      if (takes_bits_) return reinterpret_cast<const float*>(bits);
      load_bits(to, reinterpret_cast<const uint8_t*>(bits), count);
      return to;
    }
    switch (input.storage) {
      case Storage::real: load_reals(input, reals, to, start, count); break;
      case Storage::byte:
        if (input.is_dense)
          load_bytes(to, reinterpret_cast<const uint8_t*>(data) + start, count);
        else
          load_rows(input, reinterpret_cast<const uint8_t*>(data), to, start, count, load_bytes);
        break;
      case Storage::int64:
        load_rows(input, reinterpret_cast<const int64_t*>(data), to, start, count, load_integers);
        break;
    }
    return to;
  }

  void load_reals(const Input& input, const float* data, float* to, int64_t start, int64_t count) const {
    const size_t inner = nest_.depth() - 1;
    const int64_t step = input.strides.back();
    if (cuts_rows() || inner == 0)
      return copy_plane(to, data + offset_of(start, nest_.extents, input.strides, inner + 1),
                        {1, count, 0, 0, step});
    const int64_t end = (start + count) / row_, plane_rows = nest_.extents[inner - 1];
    for (int64_t row = start / row_; row < end;) {
      const int64_t rows = std::min(end - row, plane_rows - row % plane_rows);
      copy_plane(to, data + offset_of(row, nest_.extents, input.strides, inner),
                 {rows, row_, row_, input.strides[inner - 1], step});
      to += rows * row_;
      row += rows;
    }
  }

  template <class E, class F>
  void load_rows(const Input& input, const E* data, float* to, int64_t start, int64_t count,
                 F load_dense) const {
    const int64_t stride = input.strides.back();
    for_each_row(input.strides, start, count, [&](int64_t offset, int64_t at, int64_t n) {
      const E* x = data + offset;
      float* y = to + at;
      if (stride == 1) return load_dense(y, x, n);
      if (stride == 0) {
        std::fill_n(y, n, static_cast<float>(*x));
        return;
      }
      for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i * stride]);
    });
  }

  void store(size_t i, std::byte* data, const float* x, int64_t start, int64_t count) const {
    const Strides& strides = nest_.strides[i];
    const int64_t stride = strides.back();
    if (outputs_[i].storage == Storage::real) {
      auto* y = reinterpret_cast<float*>(data);
      for_each_row(strides, start, count, [&](int64_t offset, int64_t at, int64_t n) {
        for (int64_t k = 0; k < n; ++k) y[offset + k * stride] = x[at + k];
      });
      return;
    }
    auto* y = reinterpret_cast<uint8_t*>(data);
    if (outputs_[i].bits) return store_bits(y + start / 8, x, count);
    if (outputs_[i].is_dense) return store_mask(y + start, x, count);
    for_each_row(strides, start, count, [&](int64_t offset, int64_t at, int64_t n) {
      for (int64_t k = 0; k < n; ++k) y[offset + k * stride] = x[at + k] != 0 ? 1 : 0;
    });
  }

  LoopNest nest_;
  int64_t work_ = 1, block_ = 0, total_ = 0, row_ = 0, rows_per_block_ = 1, pieces_ = 0, piece_ = 0,
          blocks_ = 0;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::unique_ptr<Chain> chain_;
  bool has_bits_ = false, takes_bits_ = false;  // the operands; the chain, in place of floats
};

/// Integer arithmetic on booleans that floats do exactly.
bool is_logic(const Expression& e, Operands in, Operands out) {
  const auto is_boolean = [](const Operand& o) { return o.dtype == DType::boolean; };
  const auto keeps_booleans = [](const Instruction& i) {
    switch (i.op) {
      case Opcode::copy:
      case Opcode::mul:
      case Opcode::min:
      case Opcode::max:
      case Opcode::equal:
      case Opcode::less:
      case Opcode::less_equal:
      case Opcode::logical_not:
      case Opcode::logical_and:
      case Opcode::logical_or:
      case Opcode::logical_xor:
      case Opcode::select: return true;
      default: return false;
    }
  };
  return std::ranges::all_of(in, is_boolean) && std::ranges::all_of(out, is_boolean) &&
         std::ranges::all_of(e.code, keeps_booleans);
}

bool is_covered(const Expression& e, Operands in, Operands out) {
  if (e.domain != Expression::Domain::real && !is_logic(e, in, out)) return false;
  const bool known = std::ranges::all_of(e.code, [](const Instruction& i) { return has_loop(i.op); });
  const bool storable = std::ranges::all_of(out, [&](const Operand& o) {
    return (storage_of(o.dtype) == Storage::real || o.dtype == DType::boolean) && o.shape == out[0].shape;
  });
  return known && storable && element_count(out[0].shape) > 0;
}

/// Powers that are products.
Expression simplified(Expression e) {
  for (Instruction& i : e.code) {
    if (i.op != Opcode::pow || i.b.kind != Source::Kind::immediate) continue;
    if (i.b.value == 2)
      i = {Opcode::mul, i.a, i.a, {}};
    else if (i.b.value == 1)
      i = {Opcode::copy, i.a, {}, {}};
    else if (i.b.value == -1)
      i = {Opcode::reciprocal, i.a, {}, {}};
  }
  return e;
}

}  // namespace

std::unique_ptr<Kernel> compile_elementwise(const Elementwise& p, Operands in, Operands out) {
  if (!is_covered(p.expression, in, out)) return nullptr;
  return std::make_unique<ElementwiseKernel>(simplified(p.expression), in, out);
}

}  // namespace onnxray::onednn
