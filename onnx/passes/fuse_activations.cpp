#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/known_functions.h"
#include "onnx/passes/pass.h"
#include "onnx/passes/pointwise.h"

namespace onnxray {

namespace {

/// Whether the nodes can make a function bend: sums and products by numbers alone do not.
bool may_bend(const Pointwise& f) {
  constexpr std::string_view kStraight[] = {"Add", "Sub", "Sum", "Mean", "Neg", "Identity", "Cast"};
  return std::ranges::any_of(f.nodes, [&](const Node* node) {
    const bool scales = (node->op == "Mul" || node->op == "Div") && f.nodes.size() < 3;
    return !scales && std::ranges::find(kStraight, node->op) == std::end(kStraight);
  });
}

/// A node by itself is worth a look only where another operator may say the same.
bool is_plain(const Pointwise& f) {
  constexpr std::string_view kOthers[] = {"Max", "Min", "Clip", "Where", "LeakyRelu", "PRelu", "Celu"};
  return f.nodes.size() == 1 && std::ranges::find(kOthers, f.nodes[0]->op) == std::end(kOthers);
}

bool replace(GraphEdit& edit, Node& node, const Pointwise& f, const KnownFunction& known) {
  if (f.nodes.size() == 1 && node.op == known.op) return false;
  edit.rewrite(node, known.op, known.opset, {f.x}, known.attributes);
  return true;
}

/// x > 0 ? x : slope x with a slope for each channel.
bool replace_by_prelu(GraphEdit& edit, Node& node, const Pointwise& f, const PassOptions& options) {
  if (f.nodes.size() == 1 && node.op == "PRelu") return false;
  const std::vector<double> xs = places_to_look(f.numbers), all = values_at(edit, f, xs, options);
  const size_t count = all.size() / xs.size();
  std::vector<double> slopes;
  for (size_t c = 0; c < count; ++c) {
    std::vector<double> ys;
    for (size_t i = 0; i < xs.size(); ++i) ys.push_back(all[i * count + c]);
    const auto slope = slope_of_leaky_relu(xs, ys);
    if (!slope) return false;
    slopes.push_back(*slope);
  }
  const ValueId slope = edit.add_constant(edit.graph[node.outputs[0]].name + "/slope",
                                          from_doubles(*edit.graph[f.x].dtype, f.parameters, slopes));
  edit.rewrite(node, "PRelu", 16, {f.x, slope}, {});
  return true;
}

/// Of the functions that the node may be the result of, takes the one that reaches back the farthest.
void match(GraphEdit& edit, Node& node, const PassOptions& options) {
  const std::vector<Pointwise> functions = pointwise_functions(edit, node);
  for (auto f = functions.rbegin(); f != functions.rend(); ++f) {
    if (is_plain(*f) || !may_bend(*f)) continue;
    if (f->has_parameters) {
      if (replace_by_prelu(edit, node, *f, options)) return;
      continue;
    }
    const std::vector<double> xs = places_to_look(f->numbers);
    const auto known = known_function(xs, values_at(edit, *f, xs, options), f->numbers, *options.folder);
    if (known && replace(edit, node, *f, *known)) return;
  }
}

}  // namespace

/// An activation that an exporter wrote out (Max and Min for a rectifier, Where, Erf and products for GELU)
/// becomes the operator that it is. It is known by its values, so that one spelling is as good as another;
/// only NaN, which comparisons send to one side, may come out otherwise: it stays NaN.
bool fuse_activations(Graph& graph, const PassOptions& options) {
  if (options.folder == nullptr) return false;
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.outputs.size() == 1 && is_floating(*graph[node.outputs[0]].dtype)) match(edit, node, options);
  }
  return edit.apply();
}

}  // namespace onnxray
