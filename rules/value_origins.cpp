#include "rules/value_origins.h"

#include <algorithm>

#include "ops/lower_graph.h"

namespace onnxray {

namespace {

const EntryOrigins kOfNothing{};

bool is_lost(const EntryOrigins& origins) {
  return origins.kind == EntryOrigins::Kind::several && !origins.compared;
}

}  // namespace

ValueOrigins::ValueOrigins(const Graph& graph, const OpRegistry& ops)
    : graph_(graph), ops_(ops), producers_(graph.producers()) {
  int64_t first = 0;
  for (const InputInfo& input : graph.inputs) {
    const Value& value = graph[input.value];
    if (value.constant) continue;
    first_entry_.emplace_back(first, input.value);
    first += element_count(*value.shape);
  }
}

InputEntry ValueOrigins::entry(int64_t number) const {
  const auto after = std::ranges::upper_bound(first_entry_, number, {}, &std::pair<int64_t, ValueId>::first);
  const auto& [first, input] = *std::prev(after);
  return {input, number - first};
}

int64_t ValueOrigins::of_product(int64_t a, int64_t b) {
  const ValueId of_a = entry(a).input, of_b = entry(b).input;
  if (of_a == of_b) return a == b ? a : EntryOrigin::kSeveral;
  const bool takes_b = masks_.contains(of_a) && !masks_.contains(of_b);
  gave_way_.insert(takes_b ? of_a : of_b);
  return takes_b ? b : a;
}

EntryOrigins ValueOrigins::of_input(ValueId input) const {
  const auto found = std::ranges::find(first_entry_, input, &std::pair<int64_t, ValueId>::second);
  if (found == first_entry_.end()) return kOfNothing;
  EntryOrigins origins{EntryOrigins::Kind::each, {}, false};
  const Value& value = graph_[input];
  for (int64_t i = 0; i < element_count(*value.shape); ++i)
    origins.elements.push_back({found->first + i, *value.dtype == DType::boolean});
  return origins;
}

/// Those that the value needs and that are not known, in the graph's order.
std::vector<size_t> ValueOrigins::nodes_before(ValueId value) {
  std::set<size_t> nodes;
  std::vector<ValueId> open{value};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == kNoValue || known_.contains(id)) continue;
    const int32_t producer = producers_[static_cast<size_t>(id)];
    if (producer < 0) {
      known_[id] = of_input(id);
      continue;
    }
    const auto n = static_cast<size_t>(producer);
    if (!nodes.insert(n).second) continue;
    open.insert(open.end(), graph_.nodes[n].inputs.begin(), graph_.nodes[n].inputs.end());
  }
  return {nodes.begin(), nodes.end()};
}

const EntryOrigins& ValueOrigins::of(ValueId value) {
  for (const size_t n : nodes_before(value)) visit(graph_.nodes[n]);
  const auto found = known_.find(value);
  return found == known_.end() ? kOfNothing : found->second;
}

void ValueOrigins::visit(const Node& node) {
  const auto known = [&](ValueId id) -> const EntryOrigins& {
    const auto found = known_.find(id);
    return found == known_.end() ? kOfNothing : found->second;
  };
  const auto set_all = [&](const EntryOrigins& origins) {
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) known_[id] = origins;
    }
  };
  if (std::ranges::any_of(node.inputs, [&](ValueId id) { return is_lost(known(id)); }))
    return set_all({EntryOrigins::Kind::several, {}, false});
  if (std::ranges::all_of(node.inputs, [&](ValueId id) { return known(id) == kOfNothing; }))
    return set_all(kOfNothing);

  Program program;
  Builder b(program);
  std::vector<Var> operands;
  std::map<int32_t, EntryOrigins> by_variable;
  for (const ValueId id : node.inputs) {
    operands.push_back(operand_of(b, graph_, id));
    if (id != kNoValue) by_variable[operands.back().id] = known(id);
  }
  const std::vector<Var> results = lower_node(ops_, node, b, operands);
  const OriginOfProduct of_product = [this](int64_t x, int64_t y) { return this->of_product(x, y); };
  for (const Step& step : program.steps) {
    std::vector<const EntryOrigins*> read;
    for (const Var v : step.inputs) read.push_back(&by_variable[v.id]);
    const EntryOrigins origins = origins_of_results(program, step, read, of_product);
    for (const Var v : step.outputs) by_variable[v.id] = origins;
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) known_[node.outputs[i]] = by_variable[results[i].id];
  }
}

}  // namespace onnxray
