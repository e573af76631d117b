#include <algorithm>

#include "core/optimise/elementwise_limits.h"
#include "core/optimise/optimise.h"
#include "core/optimise/splice.h"

namespace onnxray {

namespace {

class Fuser {
 public:
  explicit Fuser(Program& program)
      : program_(program),
        producer_(program.variables.size(), -1),
        uses_(program.variables.size(), 0),
        absorbed_(program.steps.size(), false) {
    for (size_t i = 0; i < program.steps.size(); ++i) {
      for (const Var v : program.steps[i].outputs)
        producer_[static_cast<size_t>(v.id)] = static_cast<int64_t>(i);
      for (const Var v : program.steps[i].inputs) ++uses_[static_cast<size_t>(v.id)];
    }
    for (const NamedVar& output : program.outputs) ++uses_[static_cast<size_t>(output.var.id)];
    for (const LoopVariable& carried : program.loop) {
      ++uses_[static_cast<size_t>(carried.initial.id)];
      ++uses_[static_cast<size_t>(carried.next.id)];
    }
  }

  void run() {
    for (Step& step : program_.steps) {
      if (!std::holds_alternative<Elementwise>(step.primitive)) continue;
      while (absorb_one(step)) {
      }
    }
    size_t i = 0;
    std::erase_if(program_.steps, [&](const Step&) { return static_cast<bool>(absorbed_[i++]); });
  }

 private:
  bool absorb_one(Step& consumer) {
    for (size_t i = 0; i < consumer.inputs.size(); ++i) {
      const int64_t p = producer_[static_cast<size_t>(consumer.inputs[i].id)];
      if (p < 0) continue;
      Step& producer = program_.steps[static_cast<size_t>(p)];
      if (!may_merge(producer, consumer)) continue;
      merge(producer, consumer);
      absorbed_[static_cast<size_t>(p)] = true;
      return true;
    }
    return false;
  }

  bool may_merge(const Step& producer, const Step& consumer) const {
    const auto* p = std::get_if<Elementwise>(&producer.primitive);
    if (!p || producer.block != consumer.block) return false;
    const auto& c = std::get<Elementwise>(consumer.primitive);
    for (size_t k = 0; k < producer.outputs.size(); ++k) {
      const Var v = producer.outputs[k];
      const bool is_read = std::ranges::find(consumer.inputs, v) != consumer.inputs.end();
      if (uses_[static_cast<size_t>(v.id)] != (is_read ? 1 : 0)) return false;
      if (program_[v].shape != program_[consumer.outputs[0]].shape) return false;
      if (!keeps_its_value(p->expression, k, program_[v].dtype, c.expression.domain)) return false;
    }
    if (brings_nothing_large(producer, consumer)) {
      Step both = consumer;
      splice(producer, both);
      return std::get<Elementwise>(both.primitive).expression.code.size() <= kMaxInstructionsOnSameInputs &&
             both.inputs.size() <= kMaxFusedInputs;
    }
    return p->expression.code.size() + c.expression.code.size() <= kMaxFusedInstructions &&
           producer.inputs.size() + consumer.inputs.size() - 1 <= kMaxFusedInputs;
  }

  /// Whether the consumer reads all that the producer does, apart from small operands.
  bool brings_nothing_large(const Step& producer, const Step& consumer) const {
    const int64_t size = element_count(program_[consumer.outputs[0]].shape);
    return std::ranges::all_of(producer.inputs, [&](Var v) {
      return element_count(program_[v].shape) <= size / kSmallOperand ||
             std::ranges::find(consumer.inputs, v) != consumer.inputs.end();
    });
  }

  void merge(const Step& producer, Step& consumer) {
    for (const Var v : consumer.inputs) {  // read by both: one reader less
      if (std::ranges::find(producer.inputs, v) != producer.inputs.end()) --uses_[static_cast<size_t>(v.id)];
    }
    splice(producer, consumer);
  }

  Program& program_;
  std::vector<int64_t> producer_;
  std::vector<int32_t> uses_;
  std::vector<bool> absorbed_;  // by step
};

}  // namespace

void fuse_elementwise(Program& program) { Fuser(program).run(); }

}  // namespace onnxray
