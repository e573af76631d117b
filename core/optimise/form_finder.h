#pragma once

#include <optional>
#include <vector>

#include "core/program.h"

namespace onnxray {

/// A known tensor, and what is taken of it.
struct FormReading {
  Var base;
  WeightForm form;
};

/// Which variables of a program hold an elementwise form of a known tensor: constant, or computed of
/// constants alone. It reads chains before they are fused.
class FormFinder {
 public:
  explicit FormFinder(const Program& program);

  /// Of variables that the program had when it was searched.
  bool is_known(Var v) const { return index(v) < known_.size() && known_[index(v)]; }

  /// v itself where it is a form of nothing.
  FormReading reading_of(Var v) const { return forms_[index(v)].value_or(FormReading{v, {}}); }

 private:
  static size_t index(Var v) { return static_cast<size_t>(v.id); }
  void visit(const Program& program, const Step& step);
  void find_raised(const Step& step, const Instruction& code);

  std::vector<bool> known_;                         // by variable
  std::vector<std::optional<FormReading>> forms_;   // by variable
  std::vector<std::optional<FormReading>> shares_;  // by variable: gamma max(base, 0)
};

}  // namespace onnxray
