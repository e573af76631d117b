#include "rules/operator_table.h"

#include <algorithm>

#include "core/fail.h"
#include "ops/control_flow.h"
#include "rules/composite.h"

namespace onnxray {

namespace {

/// The rule that a node of this operator gets when its first `data` operands, of three, carry data.
std::string rule_of(const OpDef& op, const OpRegistry& ops, size_t data) {
  Graph graph;
  Node node;
  node.op = op.name;
  node.domain = op.domain;
  node.opset = op.versions.back();
  for (size_t i = 0; i < 3; ++i) {
    if (i >= data) {
      node.inputs.push_back(graph.add_constant("c", Tensor::scalar(1.0F)));
      continue;
    }
    node.inputs.push_back(graph.add_value("x"));
    graph[node.inputs.back()].dtype = DType::f32;
    graph.inputs.push_back({node.inputs.back(), {}, false});
  }
  node.outputs = {graph.add_value("y")};
  graph.outputs = node.outputs;
  graph.nodes.push_back(std::move(node));
  const RuleAssignment rules(graph, ops, {}, convention("signxai"));
  const std::string name = rules.name_of(0);
  if (op.may_add) return "adjoint or proportional";
  return name == "vjp" ? "adjoint" : name;
}

std::string versions_of(const OpDef& op) { return fmt::format("{}", fmt::join(op.versions, ", ")); }

}  // namespace

OperatorFacts facts_of(const OpDef& op, const OpRegistry& ops) {
  if (op.is_assembly() || gives_way(op)) return {"of its parts", "of its parts", "of its parts"};
  OperatorFacts facts{"exact", rule_of(op, ops, 1), rule_of(op, ops, 2)};
  if (op.straight_through) facts.gradient = "straight through";
  if (op.relevance == RelevanceClass::none) facts.gradient = "none";
  return facts;
}

std::string operator_table(const OpRegistry& ops) {
  std::vector<const OpDef*> sorted;
  for (const OpDef& op : ops.all()) sorted.push_back(&op);
  std::ranges::sort(sorted, {}, [](const OpDef* op) { return std::pair(op->domain, op->name); });
  std::string text =
      "| operator | since versions | gradient | relevance, one operand with data | relevance, two |\n"
      "|---|---|---|---|---|\n";
  for (const OpDef* op : sorted) {
    const OperatorFacts facts = facts_of(*op, ops);
    const std::string name = op->domain.empty() ? op->name : op->domain + "." + op->name;
    text += fmt::format("| {} | {} | {} | {} | {} |\n", name, versions_of(*op), facts.gradient,
                        facts.one_data, facts.all_data);
  }
  return text;
}

}  // namespace onnxray
