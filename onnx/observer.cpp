#include "onnx/observer.h"

#include <algorithm>

#include "core/fail.h"
#include "onnx/fold.h"

namespace onnxray {

namespace {

/// Which values `id` comes of, itself among them.
std::vector<bool> ancestors(const Graph& graph, ValueId id) {
  std::vector<bool> needed(graph.values.size(), false);
  needed[static_cast<size_t>(id)] = true;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    const auto is_needed = [&](ValueId v) { return v != kNoValue && needed[static_cast<size_t>(v)]; };
    if (std::ranges::none_of(node.outputs, is_needed)) continue;
    for (const ValueId v : node.inputs) {
      if (v != kNoValue) needed[static_cast<size_t>(v)] = true;
    }
  }
  return needed;
}

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

Tensor Observer::value(const Graph& graph, ValueId id) const {
  const std::vector<bool> needed = ancestors(graph, id);
  Program program;
  Builder b(program);
  std::vector<Var> vars(graph.values.size());
  const auto var = [&](ValueId v) -> Var& { return vars[static_cast<size_t>(v)]; };
  std::vector<Tensor> given;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const ValueId v = graph.inputs[i].value;
    if (!needed[static_cast<size_t>(v)] || graph.constant(v)) continue;
    var(v) = b.input(graph[v].name, *graph[v].shape, *graph[v].dtype);
    given.push_back(inputs_[i].to(*graph[v].dtype));
  }
  for (const Node& node : graph.nodes) {
    const auto is_needed = [&](ValueId v) { return v != kNoValue && needed[static_cast<size_t>(v)]; };
    if (std::ranges::none_of(node.outputs, is_needed)) continue;
    std::vector<Var> inputs;
    for (const ValueId v : node.inputs) {
      if (v != kNoValue && !var(v)) {
        require(graph.constant(v) != nullptr, ErrorCode::bad_file, "{}: nothing computes its input '{}'",
                node.describe(), graph[v].name);
        var(v) = b.constant(*graph.constant(v), graph[v].name);
      }
      inputs.push_back(v == kNoValue ? Var{} : var(v));
    }
    const std::vector<Var> outputs = lower_node(ops_, node, b, std::move(inputs));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) var(node.outputs[i]) = outputs[i];
    }
  }
  require(static_cast<bool>(var(id)), ErrorCode::bad_file, "nothing computes '{}'", graph[id].name);
  b.output(graph[id].name, var(id));
  return evaluate(std::move(program), backend_, given)[0];
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
