#include "methods/head.h"

#include <algorithm>

#include "core/fail.h"
#include "methods/head_search.h"

namespace onnxray {

namespace {

/// The real numbers behind integers that are those numbers on a grid.
ValueId before_rounding(const Graph& graph, ValueId output) {
  const int32_t n = graph.producers()[static_cast<size_t>(output)];
  if (n < 0 || is_floating(*graph[output].dtype)) return output;
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  return node.op == "QuantizeLinear" && node.domain.empty() ? node.inputs[0] : output;
}

}  // namespace

Head separate_head(Graph& graph, ValueId output) {
  Head head;
  head.output = output;
  head.logits = before_rounding(graph, output);
  const auto found = HeadSearch(graph).find(output);
  if (!found) return head;
  return {found->kind, found->logarithm, output, found->logits, found->axes, found->is_whole};
}

namespace {

/// What the output is, without separating it.
Head kept_head(Graph graph, ValueId output) {
  Head head = separate_head(graph, output);
  head.logits = output;
  head.is_kept = head.kind != Head::Kind::none;
  return head;
}

}  // namespace

Head explained_head(Graph& graph, size_t output, bool keep) {
  const ValueId value = graph.outputs[output];
  const Head head = keep ? kept_head(graph, value) : separate_head(graph, value);
  const DType dtype = *graph[head.logits].dtype;
  require(is_floating(dtype), ErrorCode::usage,
          "output '{}' holds {}, which has no derivative: explain one of real numbers", graph[value].name,
          name_of(dtype));
  return head;
}

namespace {

std::string title_of(const Head& head) {
  const std::string name = head.kind == Head::Kind::softmax ? "softmax" : "sigmoid";
  return head.logarithm ? "logarithm of a " + name : name;
}

/// Whether what is explained is what anyone expects: the score of a class of one sample.
bool is_plain(const Shape& shape, const Head& head, std::optional<int64_t> samples) {
  if (!head.is_whole) return false;
  int wide = 0, beside_classes = 0;
  for (size_t k = 0; k < shape.size(); ++k) {
    const auto axis = static_cast<int64_t>(k);
    if (axis == samples || shape[k] == 1) continue;
    ++wide;
    beside_classes += std::ranges::find(head.axes, axis) == head.axes.end() ? 1 : 0;
  }
  return head.kind == Head::Kind::sigmoid ? wide <= 1 : beside_classes == 0;
}

}  // namespace

std::optional<Assumption> assumption_of(const Graph& graph, const Head& head,
                                        std::optional<int64_t> samples) {
  if (head.kind == Head::Kind::none || head.is_kept) return std::nullopt;
  const Shape& shape = graph[head.output].shape.value();
  const bool plain = is_plain(shape, head, samples);
  std::string value = title_of(head);
  if (!plain && !head.axes.empty())
    value += fmt::format(" along axis {} of {}", fmt::join(head.axes, ", "), to_string(shape));
  if (!head.is_whole) value += " of a part of the entries";
  return Assumption{"head", value + ", left out", "it saturates, so targets index what goes into it",
                    "keep_softmax", plain};
}

}  // namespace onnxray
