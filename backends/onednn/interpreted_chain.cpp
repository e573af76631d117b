#include <algorithm>
#include <cstring>
#include <vector>

#include "backends/onednn/chain.h"
#include "backends/onednn/instruction_loops.h"

namespace onnxray::onednn {

namespace {

/// Slots: the inputs, then the registers, then the numbers.
struct Step {
  Opcode op;
  int32_t y, a, b, c;
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

struct Output {
  int32_t slot;
  bool in_place;  // the instructions write it where it belongs
};

struct Steps {
  std::vector<Step> steps;
  std::vector<Output> outputs;
  std::vector<float> numbers;
  size_t inputs = 0, slots = 0;
};

class InterpretedRows final : public Chain::Rows {
 public:
  InterpretedRows(const Steps& steps, int64_t longest)
      : steps_(steps),
        memory_(std::make_unique_for_overwrite<float[]>((steps.slots - steps.inputs) *
                                                        static_cast<size_t>(longest))) {
    read_.resize(steps.slots);
    own_.resize(steps.slots);
    for (size_t i = steps.inputs; i < steps.slots; ++i)
      read_[i] = own_[i] = memory_.get() + (i - steps.inputs) * static_cast<size_t>(longest);
    for (size_t i = 0; i < steps.numbers.size(); ++i)
      std::fill_n(own_[steps.slots - steps.numbers.size() + i], longest, steps.numbers[i]);
  }

  void run(const float* const* x, float* const* y, int64_t n) override {
    std::copy_n(x, steps_.inputs, read_.begin());
    const std::vector<Output>& outputs = steps_.outputs;
    if (outputs.size() > 1) {
      for (size_t k = 0; k < outputs.size(); ++k) {
        const auto slot = static_cast<size_t>(outputs[k].slot);
        if (outputs[k].in_place) read_[slot] = own_[slot] = y[k];
      }
    }
    const bool writes_last = outputs.size() == 1 && outputs[0].in_place;
    for (size_t i = 0; i < steps_.steps.size(); ++i) {
      const Step& s = steps_.steps[i];
      float* to = writes_last && i + 1 == steps_.steps.size() ? y[0] : own_[static_cast<size_t>(s.y)];
      apply(s.op, to, read_[static_cast<size_t>(s.a)], read_[static_cast<size_t>(s.b)],
            read_[static_cast<size_t>(s.c)], n);
    }
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].in_place) std::copy_n(own_[static_cast<size_t>(outputs[k].slot)], n, y[k]);
    }
  }

 private:
  const Steps& steps_;
  std::unique_ptr<float[]> memory_;
  std::vector<const float*> read_;
  std::vector<float*> own_;
};

class InterpretedChain final : public Chain {
 public:
  InterpretedChain(const Expression& e, size_t inputs, bool overwrites) {
    const RegisterAllocator registers(e);
    steps_.inputs = inputs;
    lower(e, registers);
    steps_.slots = inputs + static_cast<size_t>(registers.count()) + steps_.numbers.size();
    for (const int32_t result : e.results) {
      // A single result may share its memory with an input: only the last instruction may write to it.
      const bool in_place = e.results.size() == 1 ? result + 1 == static_cast<int32_t>(e.code.size())
                                                  : !overwrites && std::ranges::count(e.results, result) == 1;
      steps_.outputs.push_back({static_cast<int32_t>(inputs) + registers.of(result), in_place});
    }
  }

  std::unique_ptr<Rows> open(int64_t longest) const override {
    return std::make_unique<InterpretedRows>(steps_, longest);
  }

  int64_t cached_rows() const override { return static_cast<int64_t>(steps_.slots); }

 private:
  void lower(const Expression& e, const RegisterAllocator& registers) {
    const auto first_register = static_cast<int32_t>(steps_.inputs);
    const int32_t first_number = first_register + registers.count();
    std::vector<float>& numbers = steps_.numbers;
    const auto slot_of = [&](const Source& s) {
      if (s.kind == Source::Kind::input) return s.index;
      if (s.kind == Source::Kind::result) return first_register + registers.of(s.index);
      const auto number = static_cast<float>(s.value);
      const auto same = [&](float other) { return std::memcmp(&other, &number, sizeof number) == 0; };
      const auto known = std::ranges::find_if(numbers, same);
      const auto at = static_cast<int32_t>(known - numbers.begin());
      if (known == numbers.end()) numbers.push_back(number);
      return first_number + at;
    };
    for (size_t i = 0; i < e.code.size(); ++i) {
      const Instruction& instruction = e.code[i];
      Step step{instruction.op, first_register + registers.of(static_cast<int32_t>(i)),
                slot_of(instruction.a), 0, 0};
      if (arity(step.op) > 1) step.b = slot_of(instruction.b);
      if (arity(step.op) > 2) step.c = slot_of(instruction.c);
      steps_.steps.push_back(step);
    }
  }

  Steps steps_;
};

}  // namespace

std::unique_ptr<Chain> interpret_chain(const Expression& e, size_t inputs, bool overwrites) {
  return std::make_unique<InterpretedChain>(e, inputs, overwrites);
}

}  // namespace onnxray::onednn
