#include <algorithm>

#include "core/optimise/elementwise_limits.h"
#include "core/optimise/optimise.h"
#include "core/optimise/splice.h"

namespace onnxray {

namespace {

/// Instructions that a reader may repeat so that a value need not be stored and read; one that is a function
/// of the C library's, a Sigmoid say, counts as several.
constexpr size_t kWorthRepeating = 16, kFunction = 8;
/// The same so that one reader need not read the value, which others do.
constexpr size_t kWorthOneOperand = 8;

size_t cost_of(const Expression& e) {
  size_t cost = 0;
  for (const Instruction& i : e.code) {
    const bool is_function = (i.op >= Opcode::exp && i.op <= Opcode::softplus && i.op != Opcode::sqrt &&
                              i.op != Opcode::reciprocal) ||
                             i.op == Opcode::pow || i.op == Opcode::fmod || i.op == Opcode::mod;
    cost += is_function ? kFunction : 1;
  }
  return cost;
}

class Recomputer {
 public:
  explicit Recomputer(Program& program)
      : program_(program), readers_(program.variables.size()), is_needed_(program.variables.size(), false) {
    for (size_t i = 0; i < program.steps.size(); ++i) {
      for (const Var v : program.steps[i].inputs) readers_[static_cast<size_t>(v.id)].push_back(i);
    }
    for (const NamedVar& output : program.outputs) is_needed_[static_cast<size_t>(output.var.id)] = true;
    for (const LoopVariable& carried : program.loop) {
      is_needed_[static_cast<size_t>(carried.initial.id)] = true;
      is_needed_[static_cast<size_t>(carried.next.id)] = true;
    }
  }

  void run() {
    std::vector<bool> is_spent(program_.steps.size(), false);
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      const Step producer = program_.steps[i];
      if (!may_vanish(producer)) {
        drop_operand(producer);
        continue;
      }
      const auto& readers = readers_of(producer);
      for (const size_t reader : readers) {
        splice(producer, program_.steps[reader]);
        for (const Var v : producer.inputs) note_reader(v, reader);
      }
      is_spent[i] = true;
    }
    size_t i = 0;
    std::erase_if(program_.steps, [&](const Step&) { return static_cast<bool>(is_spent[i++]); });
  }

 private:
  const std::vector<size_t>& readers_of(const Step& producer) const {
    return readers_[static_cast<size_t>(producer.outputs[0].id)];
  }

  void note_reader(Var v, size_t reader) {
    auto& known = readers_[static_cast<size_t>(v.id)];
    if (std::ranges::find(known, reader) == known.end()) known.push_back(reader);
  }

  bool may_vanish(const Step& producer) const {
    const auto* p = std::get_if<Elementwise>(&producer.primitive);
    if (!p || producer.outputs.size() != 1 || is_needed_[static_cast<size_t>(producer.outputs[0].id)])
      return false;
    const auto& readers = readers_of(producer);
    return !readers.empty() && cost_of(p->expression) <= kWorthRepeating &&
           std::ranges::all_of(readers, [&](size_t r) { return may_repeat(producer, program_.steps[r]); });
  }

  /// Readers of the value that read what it is made of, too, compute it again: one operand less to read, and
  /// to keep until then. So z alone is kept of z and its clip where a convolution reads the clip.
  void drop_operand(const Step& producer) {
    const auto* p = std::get_if<Elementwise>(&producer.primitive);
    if (!p || producer.outputs.size() != 1 || cost_of(p->expression) > kWorthOneOperand) return;
    for (const size_t r : readers_of(producer)) {
      Step& reader = program_.steps[r];
      if (reads_operands_of(producer, reader) && may_repeat(producer, reader)) splice(producer, reader);
    }
  }

  bool reads_operands_of(const Step& producer, const Step& reader) const {
    const auto is_read = [&](Var v) { return std::ranges::find(reader.inputs, v) != reader.inputs.end(); };
    return !producer.inputs.empty() && is_read(producer.outputs[0]) &&
           std::ranges::all_of(producer.inputs, is_read);
  }

  /// Whether `reader` can compute the result of `producer` without reading anything large on top: at most one
  /// operand in the result's place, and then no other is kept for it either.
  bool may_repeat(const Step& producer, const Step& reader) const {
    const auto* r = std::get_if<Elementwise>(&reader.primitive);
    if (!r || reader.block != producer.block) return false;
    const auto& p = std::get<Elementwise>(producer.primitive);
    const Var result = producer.outputs[0];
    const Shape& shape = program_[result].shape;
    const auto is_large = [&](Var v) {
      return element_count(program_[v].shape) > element_count(shape) / kSmallOperand;
    };
    const auto is_new = [&](Var v) {
      return is_large(v) && std::ranges::find(reader.inputs, v) == reader.inputs.end();
    };
    const bool reads_one = std::ranges::count_if(producer.inputs, is_large) <= 1;
    return shape == program_[reader.outputs[0]].shape &&
           keeps_its_value(p.expression, 0, program_[result].dtype, r->expression.domain) &&
           (reads_one || std::ranges::none_of(producer.inputs, is_new)) &&
           p.expression.code.size() + r->expression.code.size() <= kMaxFusedInstructions &&
           producer.inputs.size() + reader.inputs.size() - 1 <= kMaxFusedInputs;
  }

  Program& program_;
  std::vector<std::vector<size_t>> readers_;  // by variable: steps
  std::vector<bool> is_needed_;               // by variable: an output or of the loop
};

}  // namespace

void recompute_in_readers(Program& program) { Recomputer(program).run(); }

}  // namespace onnxray
