#include "onnx/observer.h"

#include <algorithm>

#include "core/fail.h"
#include "onnx/fold.h"
#include "ops/lower_graph.h"

namespace onnxray {

namespace {

/// The first entries of a tensor, for people.
std::string text_of(const Tensor& t) {
  constexpr int64_t kShown = 6;
  std::string text;
  for (int64_t i = 0; i < std::min(t.size(), kShown); ++i)
    text += fmt::format("{}{:g}", i > 0 ? "," : "", t.as_double(i));
  if (t.size() == 1) return t.dtype() == DType::boolean ? (t.as_int64(0) != 0 ? "true" : "false") : text;
  return fmt::format("[{}{}] of shape {}", text, t.size() > kShown ? ",..." : "", to_string(t.shape()));
}

}  // namespace

Tensor value_in(const Graph& graph, ValueId id, const OpRegistry& ops, Backend& backend,
                std::span<const Tensor> inputs) {
  Graph part = graph;
  part.outputs = {id};
  if (inputs.empty()) part.inputs.clear();
  part.remove_dead_nodes();
  Program program;
  Builder b(program);
  const std::vector<Var> operands = operands_of_inputs(b, part);
  std::vector<Tensor> given;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!program.is_constant(operands[i])) given.push_back(inputs[i].to(b.dtype(operands[i])));
  }
  const Forward forward = lower_graph(part, ops, b, operands);
  const Var seen = forward.vars[static_cast<size_t>(id)];
  require(static_cast<bool>(seen), ErrorCode::bad_file, "nothing computes '{}'", graph[id].name);
  b.output(graph[id].name, seen);
  return evaluate(std::move(program), backend, given)[0];
}

ValueId observed(Graph& graph, const Node& node, ValueId id, std::string_view what,
                 const Observer* observer) {
  if (id == kNoValue || graph.constant(id) || !observer) return id;
  const Tensor seen = observer->value(graph, id);
  graph.depends_on_inputs = true;
  assume(graph.assumptions, {fmt::format("{}: {}", node.describe(), what), text_of(seen),
                             "the data decides it; taken as the given input has it, for every step too"});
  const ValueId constant = graph.add_constant(graph[id].name, seen);
  return constant;
}

}  // namespace onnxray
