#include "api/explained_output.h"

#include "core/fail.h"
#include "core/find_node.h"

namespace onnxray {

namespace {

std::vector<std::string> output_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const ValueId id : graph.outputs) names.push_back(graph[id].name);
  return names;
}

}  // namespace

OutputChoice choose_output(const Graph& model, const std::string& name) {
  OutputChoice choice{model, {}};
  if (name.empty()) return choice;
  const std::vector<std::string> known = output_names(model);
  const auto own = std::ranges::find(known, name);
  if (own != known.end()) {
    choice.index = static_cast<size_t>(own - known.begin());
    return choice;
  }
  ValueId inner = kNoValue;
  try {
    inner = find_value(model, name);
  } catch (const Error& error) {
    fail(error.code(), "the model has no output '{}'; it has {}; {}", name, fmt::join(known, ", "),
         error.what());
  }
  // A node's name may stand for an output of the model.
  const auto found = std::ranges::find(model.outputs, inner);
  choice.index = static_cast<size_t>(found - model.outputs.begin());
  if (found == model.outputs.end()) choice.graph.outputs.push_back(inner);
  return choice;
}

size_t first_explainable(const Graph& graph, std::vector<Assumption>& assumptions) {
  const auto is_real = [&](ValueId id) { return is_floating(graph[id].dtype.value_or(DType::f32)); };
  const auto first = std::ranges::find_if(graph.outputs, is_real);
  // Integers that are quantised scores are explained at the scores.
  const size_t index = first == graph.outputs.end() ? 0 : static_cast<size_t>(first - graph.outputs.begin());
  if (graph.outputs.size() > 1) {
    const bool skips = index > 0;
    assume(assumptions,
           {"explained output",
            fmt::format("'{}' of {}", graph[graph.outputs[index]].name, fmt::join(output_names(graph), ", ")),
            skips ? "the first that holds real numbers" : "the first", "output"});
  }
  return index;
}

Graph only_output(Graph graph, size_t index) {
  graph.outputs = {graph.outputs[index]};
  return graph;
}

ExplainedOutput description_of(const Graph& graph, const Head& head) {
  ExplainedOutput output{graph[head.output].name};
  switch (head.kind) {
    case Head::Kind::none: output.kind = ScoreKind::value; break;
    case Head::Kind::softmax: output.kind = ScoreKind::softmax; break;
    case Head::Kind::sigmoid: output.kind = ScoreKind::sigmoid; break;
  }
  output.logarithm = head.logarithm;
  output.class_axes = head.axes;
  output.is_whole = head.is_whole;
  output.is_kept = head.is_kept;
  return output;
}

}  // namespace onnxray
