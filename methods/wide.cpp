#include "methods/wide.h"

#include <cstring>
#include <set>

#include "core/fail.h"
#include "core/sample_axis.h"
#include "ops/lower_graph.h"

namespace onnxray {

namespace {

/// A forward pass by itself.
struct Lowered {
  Program program;
  std::vector<std::pair<Var, SampleAxis>> batched;
  Forward forward;

  Lowered(const Graph& graph, const OpRegistry& ops, const Samples& samples) {
    Builder b(program);
    const std::vector<Var> inputs = operands_of_inputs(b, graph);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto at = samples.of(graph.inputs[i].value);
      if (!program.is_constant(inputs[i]) && at) batched.emplace_back(inputs[i], *at);
    }
    forward = lower_graph(graph, ops, b, inputs);
  }
};

/// Every number that a step computes with, whether it is an immediate or a tensor of one element.
std::set<double> numbers_of(const Program& program) {
  std::set<double> numbers;
  for (const Step& step : program.steps) {
    for (const Var v : step.inputs) {
      const auto& constant = program[v].constant;
      if (constant && constant->size() == 1) numbers.insert(constant->as_double(0));
    }
    const auto* elementwise = std::get_if<Elementwise>(&step.primitive);
    if (elementwise == nullptr) continue;
    for (const Instruction& i : elementwise->expression.code) {
      for (const Source& s : {i.a, i.b, i.c}) {
        if (s.kind == Source::Kind::immediate) numbers.insert(s.value);
      }
    }
  }
  return numbers;
}

/// A number that is only in the wide program comes of its batch size.
std::string number_of_batch(const Program& narrow, const Program& wide) {
  const std::set<double> known = numbers_of(narrow);
  for (const double number : numbers_of(wide)) {
    if (!known.contains(number))
      return fmt::format("the model computes with {:g}, which its batch size makes", number);
  }
  return {};
}

}  // namespace

std::string why_not_wide(const Graph& graph, const Graph& wide, int64_t count, const OpRegistry& ops,
                         std::span<const ValueId> values, const Samples& samples) {
  for (const ValueId id : values) {
    const std::optional<int64_t> axis = samples.plain_axis(id);
    const auto index = static_cast<size_t>(id);
    if (index >= wide.values.size() || wide[id].name != graph[id].name || wide[id].dtype != graph[id].dtype ||
        !wide[id].shape)
      return fmt::format("'{}' is not in the model for more samples", graph[id].name);
    Shape expected = *graph[id].shape;
    const bool has_axis = axis && *axis < std::ssize(expected);
    if (has_axis) expected[static_cast<size_t>(*axis)] *= count;
    if (!has_axis || wide[id].shape != expected)
      return fmt::format("'{}' {} does not grow with the samples", graph[id].name,
                         to_string(*graph[id].shape));
  }
  const Lowered narrow(graph, ops, samples), more(wide, ops, samples);
  if (more.batched.empty()) return "no input holds the samples";
  const auto& [first, at] = more.batched[0];
  const int64_t all = more.program[first].shape[static_cast<size_t>(at.axis)];
  if (all < 2) return "there is one sample";
  const SampleAxes axes(more.program, more.batched, all);
  for (const ValueId id : values) {
    const Var v = more.forward.vars[static_cast<size_t>(id)];
    if (!v) return fmt::format("'{}' is not computed", graph[id].name);
    if (axes.of(v) != samples.of(id)) return axes.why_not(v);
  }
  return number_of_batch(narrow.program, more.program);
}

std::string why_not_wide(const Graph& graph, const Graph& wide, int64_t count, const OpRegistry& ops,
                         std::span<const ValueId> values) {
  const Samples leading{1, std::vector<std::optional<SampleAxis>>(graph.values.size(), SampleAxis{})};
  return why_not_wide(graph, wide, count, ops, values, leading);
}

void share_constants(const Graph& graph, Graph& wide) {
  const size_t count = std::min(graph.values.size(), wide.values.size());
  for (size_t id = 0; id < count; ++id) {
    const auto& from = graph.values[id].constant;
    auto& to = wide.values[id].constant;
    if (!from || !to || from->bytes() == to->bytes() || from->dtype() != to->dtype() ||
        from->shape() != to->shape())
      continue;
    if (std::memcmp(from->bytes(), to->bytes(), static_cast<size_t>(from->byte_size())) == 0) to = from;
  }
}

}  // namespace onnxray
