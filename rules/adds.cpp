#include "rules/adds.h"

#include <algorithm>

#include "ops/lower_graph.h"

namespace onnxray {

namespace {

bool selects(const AxisTable& table) {
  for (size_t o = 1; o < table.offsets.size(); ++o) {
    if (table.offsets[o] - table.offsets[o - 1] > 1) return false;
  }
  return std::ranges::all_of(table.weight, [](double w) { return w == 1; });
}

/// Whether each entry of the step's result is a copy of one of its operands' entries, or a constant.
struct Selects {
  bool operator()(const Elementwise& p) const {
    return std::ranges::all_of(p.expression.code, [](const Instruction& i) {
      return i.op == Opcode::copy || i.op == Opcode::select || i.op == Opcode::max || i.op == Opcode::min;
    });
  }
  bool operator()(const Reduce& p) const {
    return p.kind == Reduce::Kind::max || p.kind == Reduce::Kind::min;
  }
  bool operator()(const ScatterElements& p) const {
    return p.kind != ScatterElements::Kind::add && p.kind != ScatterElements::Kind::mul;
  }
  bool operator()(const AxisMap& p) const { return selects(*p.table); }
  bool operator()(const MaxPool&) const { return true; }
  bool operator()(const Gather&) const { return true; }
  bool operator()(const GatherElements&) const { return true; }
  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }
};

}  // namespace

bool adds(const Graph& graph, const Node& node, const OpRegistry& ops, const std::vector<bool>& dependent) {
  // The node alone, lowered.
  Program program;
  Builder b(program);
  std::vector<Var> operands, moving;
  for (const ValueId id : node.inputs) {
    if (id != kNoValue && !graph.constant(id) && (!graph[id].shape || !graph[id].dtype)) return false;
    operands.push_back(operand_of(b, graph, id));
    if (id != kNoValue && dependent[static_cast<size_t>(id)]) moving.push_back(operands.back());
  }
  lower_node(ops, node, b, operands);
  std::vector<bool> moves(program.variables.size(), false);
  for (const Var v : moving) moves[static_cast<size_t>(v.id)] = true;
  for (const Step& step : program.steps) {
    if (std::ranges::none_of(step.inputs, [&](Var v) { return moves[static_cast<size_t>(v.id)]; })) continue;
    if (!is_floating(b.dtype(step.outputs[0]))) continue;
    if (!only_moves(step.primitive) && !std::visit(Selects{}, step.primitive)) return true;
    moves[static_cast<size_t>(step.outputs[0].id)] = true;
  }
  return false;
}

}  // namespace onnxray
