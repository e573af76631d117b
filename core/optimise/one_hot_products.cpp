#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// Matrices of fewer entries are not worth three steps in place of one.
constexpr int64_t kSmallMatrix = 1 << 16;

class OneHotFinder {
 public:
  OneHotFinder(const Program& program, std::span<const Step> steps)
      : program_(program), producer_(program.variables.size(), nullptr) {
    for (const Step& step : steps) {
      for (const Var v : step.outputs) producer_[static_cast<size_t>(v.id)] = &step;
    }
  }

  const Step* producer(Var v) const { return producer_[static_cast<size_t>(v.id)]; }

  /// For a matrix [N, C] that in each row is 0 but in one column: the columns' numbers, i64 [N, 1].
  std::optional<Var> column_of(Var v) const {
    const Step* step = producer_[static_cast<size_t>(v.id)];
    if (!step) return {};
    const auto from = [&](size_t i) { return column_if_alike(step->inputs[i], v); };
    if (std::holds_alternative<Reshape>(step->primitive)) return from(0);
    const auto* elementwise = std::get_if<Elementwise>(&step->primitive);
    if (!elementwise || elementwise->expression.code.size() != 1) return {};
    const Instruction& code = elementwise->expression.code[0];
    const auto operand = [&](const Source& s) -> std::optional<Var> {
      return s.kind == Source::Kind::input ? from(static_cast<size_t>(s.index)) : std::nullopt;
    };
    switch (code.op) {
      case Opcode::equal: return compared_with_places(*step, v);
      case Opcode::copy:
      case Opcode::neg:
      case Opcode::div: return operand(code.a);
      case Opcode::mul: {
        const auto column = operand(code.a);
        return column ? column : operand(code.b);
      }
      default: return {};
    }
  }

 private:
  std::optional<Var> column_if_alike(Var x, Var v) const {
    return program_[x].shape == program_[v].shape ? column_of(x) : std::nullopt;
  }

  /// 0, 1, ..., C - 1 == index [N, 1]
  std::optional<Var> compared_with_places(const Step& step, Var v) const {
    if (step.inputs.size() != 2) return {};
    const Shape& shape = program_[v].shape;
    for (size_t i = 0; i < 2; ++i) {
      const Var places = step.inputs[i], index = step.inputs[1 - i];
      const auto& constant = program_[places].constant;
      if (shape.size() != 2 || !constant || program_[places].shape != Shape{1, shape[1]} ||
          program_[index].shape != Shape{shape[0], 1} || program_[index].dtype != DType::i64)
        continue;
      std::vector<int64_t> counted(static_cast<size_t>(shape[1]));
      std::iota(counted.begin(), counted.end(), 0);
      if (constant->dtype() == DType::i64 && constant->to_int64s() == counted) return index;
    }
    return {};
  }

  const Program& program_;
  std::vector<const Step*> producer_;  // by variable
};

/// Writes what takes the place of one product.
class RowWriter {
 public:
  RowWriter(Program& program, const OneHotFinder& finder, const Step& product, std::vector<Step>& steps)
      : program_(program), finder_(finder), product_(product), steps_(steps) {}

  /// y [N, K] = a w as the rows of w [C, K] that `column` names times the entries of a there.
  void write(Var column) {
    const Var a = product_.inputs[0], w = product_.inputs[1], y = product_.outputs[0];
    const int64_t n = program_[y].shape[0];
    const Var entries = add(GatherElements{1}, {a, column}, {n, 1}, program_[a].dtype);
    const Var flat = add(Reshape{{n}}, {column}, {n}, DType::i64);
    const Var rows = rows_of(w, flat);
    const auto input = [](int32_t i) { return Source{Source::Kind::input, i, 0}; };
    const Expression scaled{Expression::Domain::real, {{Opcode::mul, input(0), input(1), {}}}, {0}};
    steps_.push_back({Elementwise{scaled}, {rows, entries}, {y}, product_.block, product_.node});
  }

 private:
  /// Rows of an elementwise form of w are that form of rows of w: nobody needs to store the rest.
  Var rows_of(Var w, Var index) {
    const Shape shape = program_[product_.outputs[0]].shape, whole = program_[w].shape;
    const Step* form = finder_.producer(w);
    const bool is_form = form && std::holds_alternative<Elementwise>(form->primitive) &&
                         form->outputs.size() == 1 && !form->inputs.empty() &&
                         (form->block == Block::once || form->block == product_.block) &&
                         std::ranges::all_of(form->inputs, [&](Var v) { return program_[v].shape == whole; });
    if (!is_form) return add(Gather{0}, {w, index}, shape, program_[w].dtype);
    std::vector<Var> rows;
    for (const Var v : form->inputs) rows.push_back(rows_of(v, index));
    return add(form->primitive, std::move(rows), shape, program_[w].dtype);
  }

  Var add(Primitive primitive, std::vector<Var> inputs, Shape shape, DType dtype) {
    const Var v = program_.add_variable(std::move(shape), dtype, program_[product_.outputs[0]].label);
    steps_.push_back({std::move(primitive), std::move(inputs), {v}, product_.block, product_.node});
    return v;
  }

  Program& program_;
  const OneHotFinder& finder_;
  const Step& product_;
  std::vector<Step>& steps_;
};

}  // namespace

void replace_one_hot_products(Program& program) {
  const std::vector<Step> before = program.steps;
  const OneHotFinder finder(program, before);
  std::vector<Step> steps;
  for (const Step& step : before) {
    const auto* matmul = std::get_if<MatMul>(&step.primitive);
    const bool fits = matmul && !matmul->transpose_a && !matmul->transpose_b && step.inputs.size() == 2 &&
                      program[step.inputs[0]].shape.size() == 2 &&
                      program[step.inputs[1]].shape.size() == 2 &&
                      element_count(program[step.inputs[1]].shape) >= kSmallMatrix;
    const auto column = fits ? finder.column_of(step.inputs[0]) : std::nullopt;
    if (column)
      RowWriter(program, finder, step, steps).write(*column);
    else
      steps.push_back(step);
  }
  program.steps = std::move(steps);
}

}  // namespace onnxray
