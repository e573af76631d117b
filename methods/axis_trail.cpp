#include "methods/axis_trail.h"

#include <algorithm>
#include <span>

namespace onnxray {

namespace {

/// How many axes of the source have places somewhere.
size_t known(const AxisOrigins& x) {
  size_t count = 0;
  for (const auto& axis : x) count += axis.size();
  return count;
}

AxisOrigins permuted(const AxisOrigins& x, const Node& transpose) {
  const auto permutation = ints_attribute(transpose, "perm");
  if (permutation.empty()) return {x.rbegin(), x.rend()};
  AxisOrigins y;
  for (const int64_t axis : permutation) y.push_back(x[static_cast<size_t>(axis)]);
  return y;
}

/// Reshape, Flatten, Squeeze, Unsqueeze: walks both shapes in runs of the same number of elements.
class Reshaping {
 public:
  Reshaping(const AxisOrigins& x, const Shape& from, const Shape& to, const Shape& source)
      : x_(x), from_(from), to_(to), source_(source), y_(to.size()) {}

  AxisOrigins run() {
    size_t i = 0, j = 0;
    while (i < from_.size() && j < to_.size()) {
      if (from_[i] == 1 && to_[j] != 1) {
        ++i;
      } else if (to_[j] == 1 && from_[i] != 1) {
        ++j;
      } else {
        size_t last_i = i + 1, last_j = j + 1;
        int64_t a = from_[i], b = to_[j];
        while (a != b && last_i <= from_.size() && last_j <= to_.size()) {
          if (a < b) {
            if (last_i == from_.size()) return y_;
            a *= from_[last_i++];
          } else {
            if (last_j == to_.size()) return y_;
            b *= to_[last_j++];
          }
        }
        join(i, last_i, j, last_j);
        i = last_i;
        j = last_j;
      }
    }
    return y_;
  }

 private:
  void join(size_t i, size_t last_i, size_t j, size_t last_j) {
    std::vector<size_t> merged;
    for (; i < last_i; ++i) merged.insert(merged.end(), x_[i].begin(), x_[i].end());
    if (last_j - j == 1) {
      y_[j] = merged;
      return;
    }
    // What was merged comes apart again; of an axis that is cut into blocks, the outermost counts the blocks.
    const bool apart =
        merged.size() == last_j - j && std::ranges::equal(merged, std::span(to_).subspan(j, merged.size()),
                                                          {}, [&](size_t axis) { return source_[axis]; });
    if (apart) {
      for (size_t k = 0; k < merged.size(); ++k) y_[j + k] = {merged[k]};
    } else if (merged.size() == 1) {
      y_[j] = merged;
    }
  }

  const AxisOrigins& x_;
  const Shape &from_, &to_, &source_;
  AxisOrigins y_;
};

/// Whether axes keep their places, counted from the right where an elementwise node has a larger result.
bool may_align(const Shape& from, const Shape& to) {
  if (to.size() <= from.size()) return to.size() == from.size();
  return std::ranges::equal(from, std::span(to).last(from.size()),
                            [](int64_t a, int64_t b) { return a == b || a == 1; });
}

AxisOrigins without_reduced(const Graph& graph, const AxisOrigins& x, const Node& node) {
  std::vector<int64_t> axes = ints_attribute(node, "axes");
  if (node.inputs.size() > 1 && graph.constant(node.inputs[1]))
    axes = graph.constant(node.inputs[1])->to_int64s();
  if (node.op == "ArgMax" || node.op == "ArgMin") axes = {int_attribute(node, "axis", 0)};
  for (int64_t& axis : axes) axis = normalise_axis(axis, x.size());
  AxisOrigins y;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool reduced = axes.empty() || std::ranges::find(axes, static_cast<int64_t>(i)) != axes.end();
    if (!reduced) y.push_back(x[i]);
  }
  return y;
}

std::optional<AxisOrigins> through(const Graph& graph, const Node& node, size_t operand, const AxisOrigins& x,
                                   const Shape& source) {
  const Shape &from = *graph[node.inputs[operand]].shape, &to = *graph[node.outputs[0]].shape;
  if (keeps_order(node)) return Reshaping(x, from, to, source).run();
  if (node.op == "Transpose") return permuted(x, node);
  AxisOrigins y = x;
  if (node.is_one_of({"Conv", "ConvTranspose"})) {
    if (operand != 0 || to.size() != from.size()) return std::nullopt;
    y[1] = {};
    return y;
  }
  if (node.is_one_of({"MatMul", "Gemm"})) {
    if (to.size() != from.size() || to.size() < 2) return std::nullopt;
    y[y.size() - (operand == 0 ? 1 : 2)] = {};
    return y;
  }
  if (node.op.starts_with("Reduce") || node.op.starts_with("Arg")) {
    y = without_reduced(graph, x, node);
    return to.size() == x.size() ? x : y.size() == to.size() ? std::optional(y) : std::nullopt;
  }
  if (node.op == "Gather" && to.size() + 1 == from.size()) {
    y.erase(y.begin() + normalise_axis(int_attribute(node, "axis", 0), from.size()));
    return y;
  }
  if (node.op == "STFT") return operand == 0 ? std::optional(AxisOrigins{x[0], x[1], {}, {}}) : std::nullopt;
  if (node.op == "Einsum" || !may_align(from, to)) return std::nullopt;
  y.insert(y.begin(), static_cast<std::ptrdiff_t>(to.size() - from.size()), {});
  return y;
}

}  // namespace

AxisTrail::AxisTrail(const Graph& graph, ValueId from)
    : origins_(graph.values.size()), before_(graph.values.size()) {
  const Shape source = *graph[from].shape;
  AxisOrigins own;
  for (size_t axis = 0; axis < source.size(); ++axis) own.push_back({axis});
  origins_[static_cast<size_t>(from)] = own;
  for (const Node& node : graph.nodes) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!find(node.inputs[i]) || node.outputs[0] == kNoValue || find(node.outputs[0])) continue;
      const auto y = follow(graph, node, i, source);
      if (!y) continue;
      for (const ValueId id : node.outputs) {
        if (id != kNoValue && graph[id].shape && graph[id].shape->size() == y->size())
          origins_[static_cast<size_t>(id)] = y;
      }
    }
  }
}

std::optional<AxisOrigins> AxisTrail::follow(const Graph& graph, const Node& node, size_t operand,
                                             const Shape& source) {
  const ValueId from = node.inputs[operand], to = node.outputs[0];
  const AxisOrigins& x = *find(from);
  const auto& before = before_[static_cast<size_t>(from)];
  if (keeps_order(node) && before && before->shape == *graph[to].shape) return before->origins;
  const auto y = through(graph, node, operand, x, source);
  if (y && keeps_order(node) && known(*y) < known(x))
    before_[static_cast<size_t>(to)] = Layout{*graph[from].shape, x};
  else if (graph[from].shape == graph[to].shape && node.op != "Transpose")
    before_[static_cast<size_t>(to)] = before;
  return y;
}

const AxisOrigins* AxisTrail::find(ValueId id) const {
  if (id == kNoValue || !origins_[static_cast<size_t>(id)]) return nullptr;
  return &*origins_[static_cast<size_t>(id)];
}

}  // namespace onnxray
