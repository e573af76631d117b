#include <algorithm>
#include <cstring>
#include <memory>

#include "backends/onednn/instruction_loops.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/loop_nest.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

/// All instructions pass over a block of elements before the next one is touched, so that what they share
/// stays in the L1 cache: at most so many elements, of all operands together at most so many bytes.
constexpr int64_t kLongestBlock = 512, kBlockBytes = 24 << 10;

/// How an input reaches the instructions.
struct Input {
  size_t operand = 0;
  Storage storage = Storage::real;
  Strides strides;        // by loop
  bool is_dense = false;  // lies as the result does: read in place where it is real
  bool repeats = false;   // the same elements in every block: loaded once
};

/// Operand slots: the inputs, then the registers, then the numbers.
struct Step {
  Opcode op;
  int32_t y, a, b, c;
};

struct Output {
  Storage storage = Storage::real;
  int32_t slot = 0;
  bool direct = false;  // the last instruction writes it in place
};

/// Registers by lives: an instruction may overwrite an operand that it is the last to read.
class RegisterAllocator {
 public:
  explicit RegisterAllocator(const Expression& e)
      : last_use_(e.code.size(), -1), assigned_(e.code.size(), -1) {
    const auto count = static_cast<int32_t>(e.code.size());
    for (int32_t i = 0; i < count; ++i) {
      const Instruction& instruction = e.code[static_cast<size_t>(i)];
      const Source sources[] = {instruction.a, instruction.b, instruction.c};
      for (int k = 0; k < arity(instruction.op); ++k) {
        if (sources[k].kind == Source::Kind::result) last_use_[static_cast<size_t>(sources[k].index)] = i;
      }
    }
    for (const int32_t result : e.results) last_use_[static_cast<size_t>(result)] = count;
    for (int32_t i = 0; i < count; ++i) assign(i);
  }

  int32_t of(int32_t instruction) const { return assigned_[static_cast<size_t>(instruction)]; }
  int32_t count() const { return static_cast<int32_t>(free_at_.size()); }

 private:
  void assign(int32_t i) {
    const auto slot = std::ranges::find_if(free_at_, [&](int32_t free_at) { return free_at <= i; });
    const int32_t last = std::max(last_use_[static_cast<size_t>(i)], i + 1);
    assigned_[static_cast<size_t>(i)] = static_cast<int32_t>(slot - free_at_.begin());
    if (slot == free_at_.end())
      free_at_.push_back(last);
    else
      *slot = last;
  }

  std::vector<int32_t> last_use_, assigned_;
  std::vector<int32_t> free_at_;  // by register: the instruction that may have it next
};

class ElementwiseKernel final : public Kernel {
 public:
  ElementwiseKernel(const Expression& e, Operands in, Operands out) {
    std::vector<Strides> strides;
    const size_t rank = out[0].shape.size();
    for (const Operand& o : out) strides.push_back(o.strides);
    for (const Operand& o : in) strides.push_back(broadcast_strides(o.shape, o.strides, rank));
    nest_ = collapse(out[0].shape, strides);
    total_ = nest_.trips();
    const RegisterAllocator registers(e);
    lower(e, registers, static_cast<int32_t>(in.size()));
    const auto slots = static_cast<int64_t>(in.size()) + registers_ + std::ssize(numbers_);
    block_ = std::clamp<int64_t>(kBlockBytes / (slots * int64_t{sizeof(float)}) / 64 * 64, 64, kLongestBlock);
    split_into_blocks();
    for (size_t i = 0; i < out.size(); ++i) {
      outputs_.push_back({storage_of(out[i].dtype)});
      output_is_dense_.push_back(lies_dense(nest_.strides[i]));
    }
    for (size_t i = 0; i < in.size(); ++i)
      add_input(i, storage_of(in[i].dtype), nest_.strides[out.size() + i]);
    choose_outputs(e, registers);
  }

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    in_parallel(blocks_, total_, [&](int64_t first, int64_t last) { run_blocks(first, last, in, out); });
  }

 private:
  /// Whether element i of the walk is at offset i.
  bool lies_dense(const Strides& strides) const {
    int64_t stride = 1;
    for (size_t i = nest_.depth(); i-- > 0;) {
      if (nest_.extents[i] > 1 && strides[i] != stride) return false;
      stride *= nest_.extents[i];
    }
    return true;
  }

  /// Blocks hold whole rows, or a row is cut into even pieces.
  void split_into_blocks() {
    row_ = nest_.extents.back();
    if (row_ <= block_) {
      rows_per_block_ = block_ / row_;
      piece_ = row_ * rows_per_block_;
      blocks_ = (total_ / row_ + rows_per_block_ - 1) / rows_per_block_;
      return;
    }
    pieces_ = (row_ + block_ - 1) / block_;
    piece_ = (row_ + pieces_ - 1) / pieces_;
    pieces_ = (row_ + piece_ - 1) / piece_;
    blocks_ = total_ / row_ * pieces_;
  }

  bool cuts_rows() const { return pieces_ > 0; }

  void add_input(size_t operand, Storage storage, const Strides& strides) {
    Input input{operand, storage, strides, lies_dense(strides), false};
    const bool fixed_rows = std::all_of(strides.begin(), strides.end() - 1, [](int64_t s) { return s == 0; });
    input.repeats = fixed_rows && (strides.back() == 0 || !cuts_rows()) && blocks_ > 1;
    inputs_.push_back(std::move(input));
  }

  void lower(const Expression& e, const RegisterAllocator& registers, int32_t first_register) {
    registers_ = registers.count();
    const int32_t first_number = first_register + registers_;
    const auto slot_of = [&](const Source& s) {
      if (s.kind == Source::Kind::input) return s.index;
      if (s.kind == Source::Kind::result) return first_register + registers.of(s.index);
      const auto number = static_cast<float>(s.value);
      const auto same = [&](float other) { return std::memcmp(&other, &number, sizeof number) == 0; };
      const auto known = std::ranges::find_if(numbers_, same);
      const auto at = static_cast<int32_t>(known - numbers_.begin());
      if (known == numbers_.end()) numbers_.push_back(number);
      return first_number + at;
    };
    for (size_t i = 0; i < e.code.size(); ++i) {
      const Instruction& instruction = e.code[i];
      Step step{instruction.op, first_register + registers.of(static_cast<int32_t>(i)),
                slot_of(instruction.a), 0, 0};
      if (arity(step.op) > 1) step.b = slot_of(instruction.b);
      if (arity(step.op) > 2) step.c = slot_of(instruction.c);
      steps_.push_back(step);
    }
  }

  void choose_outputs(const Expression& e, const RegisterAllocator& registers) {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      Output& output = outputs_[i];
      output.slot = static_cast<int32_t>(inputs_.size()) + registers.of(e.results[i]);
      // A single result may share its memory with an input: only the last instruction may write to it. Of
      // several, none does (core/planner.cpp).
      const bool is_safe = outputs_.size() == 1 ? e.results[i] + 1 == static_cast<int32_t>(e.code.size())
                                                : std::ranges::count(e.results, e.results[i]) == 1;
      output.direct = output.storage == Storage::real && output_is_dense_[i] && is_safe;
    }
  }

  void run_blocks(int64_t first, int64_t last, std::span<const std::byte* const> in,
                  std::span<std::byte* const> out) const {
    const size_t slots = inputs_.size() + static_cast<size_t>(registers_) + numbers_.size();
    const auto memory = std::make_unique_for_overwrite<float[]>(slots * static_cast<size_t>(block_));
    std::vector<float*> own(slots);
    for (size_t i = 0; i < slots; ++i) own[i] = memory.get() + i * static_cast<size_t>(block_);
    std::vector<const float*> read(own.begin(), own.end());
    const auto write_in_place = [&](int64_t start) {
      for (size_t i = 0; i < outputs_.size(); ++i) {
        if (!outputs_[i].direct) continue;
        const auto slot = static_cast<size_t>(outputs_[i].slot);
        read[slot] = own[slot] = reinterpret_cast<float*>(out[i]) + start;
      }
    };
    for (size_t i = 0; i < numbers_.size(); ++i)
      std::fill_n(own[slots - numbers_.size() + i], std::min(piece_, total_), numbers_[i]);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].repeats) read[i] = load(inputs_[i], in[i], own[i], 0, std::min(piece_, total_));
    }
    for (int64_t block = first; block < last; ++block) {
      const auto [start, count] = extent_of(block);
      for (size_t i = 0; i < inputs_.size(); ++i) {
        if (!inputs_[i].repeats) read[i] = load(inputs_[i], in[i], own[i], start, count);
      }
      if (outputs_.size() > 1) write_in_place(start);
      run_steps(read, own, out, start, count);
      for (size_t i = 0; i < outputs_.size(); ++i) {
        if (!outputs_[i].direct) store(i, out[i], own[static_cast<size_t>(outputs_[i].slot)], start, count);
      }
    }
  }

  void run_steps(const std::vector<const float*>& read, const std::vector<float*>& own,
                 std::span<std::byte* const> out, int64_t start, int64_t count) const {
    const bool direct = outputs_.size() == 1 && outputs_[0].direct;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& s = steps_[i];
      float* y = own[static_cast<size_t>(s.y)];
      if (direct && i + 1 == steps_.size()) y = reinterpret_cast<float*>(out[0]) + start;
      apply(s.op, y, read[static_cast<size_t>(s.a)], read[static_cast<size_t>(s.b)],
            read[static_cast<size_t>(s.c)], count);
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
    switch (input.storage) {
      case Storage::real:
        load_rows(input, reals, to, start, count,
                  [](float* y, const float* x, int64_t n) { std::copy_n(x, n, y); });
        break;
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
      if (output_is_dense_[i]) {
        std::copy_n(x, count, y + start);
        return;
      }
      for_each_row(strides, start, count, [&](int64_t offset, int64_t at, int64_t n) {
        for (int64_t k = 0; k < n; ++k) y[offset + k * stride] = x[at + k];
      });
      return;
    }
    auto* y = reinterpret_cast<uint8_t*>(data);
    if (output_is_dense_[i]) return store_mask(y + start, x, count);
    for_each_row(strides, start, count, [&](int64_t offset, int64_t at, int64_t n) {
      for (int64_t k = 0; k < n; ++k) y[offset + k * stride] = x[at + k] != 0 ? 1 : 0;
    });
  }

  LoopNest nest_;
  int64_t block_ = 0, total_ = 0, row_ = 0, rows_per_block_ = 1, pieces_ = 0, piece_ = 0, blocks_ = 0;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<bool> output_is_dense_;
  std::vector<Step> steps_;
  std::vector<float> numbers_;
  int32_t registers_ = 0;
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
