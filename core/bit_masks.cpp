#include "core/bit_masks.h"

#include <algorithm>

namespace onnxray {

namespace {

class BitMasks {
 public:
  BitMasks(const Program& program, std::span<const Strides> strides) : program_(program), strides_(strides) {
    for (const Variable& v : program.variables) may_be_.push_back(v.dtype == DType::boolean && !v.constant);
  }

  std::vector<bool> run() && {
    for (const auto* named : {&program_.inputs, &program_.outputs}) {
      for (const NamedVar& n : *named) refuse(n.var);
    }
    for (const LoopVariable& carried : program_.loop) {
      for (const Var v : {carried.initial, carried.current, carried.next}) refuse(v);
    }
    for (const Step& step : program_.steps) {
      for (const auto* operands : {&step.inputs, &step.outputs}) {
        for (const Var v : *operands) {
          if (may_be_[index(v)] && !walks_in_order(step, v)) refuse(v);
        }
      }
    }
    return std::move(may_be_);
  }

 private:
  static size_t index(Var v) { return static_cast<size_t>(v.id); }

  void refuse(Var v) { may_be_[index(v)] = false; }

  bool walks_in_order(const Step& step, Var v) const {
    return std::holds_alternative<Elementwise>(step.primitive) &&
           std::ranges::all_of(step.outputs, [&](Var y) { return lie_alike(v, y); });
  }

  bool lie_alike(Var a, Var b) const {
    const Shape& shape = program_[a].shape;
    return shape == program_[b].shape &&
           (strides_.empty() || same_layout(shape, strides_[index(a)], strides_[index(b)]));
  }

  const Program& program_;
  std::span<const Strides> strides_;
  std::vector<bool> may_be_;
};

}  // namespace

std::vector<bool> find_bit_masks(const Program& program, std::span<const Strides> strides) {
  return BitMasks(program, strides).run();
}

}  // namespace onnxray
