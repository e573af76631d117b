#include "tests/support/graph_builder.h"

#include "backends/reference/reference.h"
#include "onnx/specialise.h"

namespace onnxray::test {

ValueId GraphBuilder::input(const std::string& name, const Shape& shape) {
  const ValueId id = graph_.add_value(name);
  graph_[id].dtype = DType::f64;
  graph_.inputs.push_back({id, {shape.begin(), shape.end()}, true});
  return id;
}

ValueId GraphBuilder::constant(Tensor value) {
  return graph_.add_constant("constant#" + std::to_string(graph_.values.size()), std::move(value));
}

ValueId GraphBuilder::ints(const std::vector<int64_t>& values) {
  return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

ValueId GraphBuilder::node(const std::string& op, const std::vector<ValueId>& inputs, Attributes attributes,
                           std::string name) {
  const std::string number = std::to_string(graph_.nodes.size());
  if (name.empty()) name = op + "#" + number;
  const ValueId out = graph_.add_value(name);
  graph_.nodes.push_back({.op = op,
                          .opset = opset_,
                          .domain = domain_,
                          .attributes = std::move(attributes),
                          .inputs = inputs,
                          .outputs = {out},
                          .origin = {{name}, {}}});
  return out;
}

std::vector<ValueId> GraphBuilder::split(ValueId x, int64_t axis, const std::vector<int64_t>& extents) {
  std::vector<ValueId> parts{node("Split", {x, ints(extents)}, {{"axis", axis}})};
  while (parts.size() < extents.size()) {
    parts.push_back(graph_.add_value("part#" + std::to_string(graph_.values.size())));
    graph_.nodes.back().outputs.push_back(parts.back());
  }
  return parts;
}

ValueId GraphBuilder::conv(ValueId x, ValueId w, ValueId b, int64_t pad, int64_t stride) {
  using Ints = std::vector<int64_t>;
  return node("Conv", {x, w, b}, {{"pads", Ints(4, pad)}, {"strides", Ints(2, stride)}});
}

ValueId GraphBuilder::pool(const std::string& op, ValueId x, int64_t size) {
  using Ints = std::vector<int64_t>;
  return node(op, {x}, {{"kernel_shape", Ints(2, size)}, {"strides", Ints(2, size)}});
}

Graph GraphBuilder::build(const std::vector<ValueId>& outputs, const PassOptions& options) const {
  Graph graph = graph_;
  graph.outputs = outputs;
  Specialisation special;
  for (const InputInfo& input : graph.inputs) {
    Shape shape;
    for (const auto& extent : input.extents) shape.push_back(std::get<int64_t>(extent));
    special.input_shapes.push_back(shape);
  }
  const auto folder = make_reference_backend(true);
  return specialise(graph, special, options, OpRegistry::builtin(), *folder);
}

std::vector<double> hashed_values(int64_t n, int64_t seed, double scale) {
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = static_cast<uint32_t>((i + 1) * 2654435761 + seed * 40503 * 65537);
    values.push_back((static_cast<double>(bits) * 0x1p-32 - 0.5) * 2 * scale);
  }
  return values;
}

Tensor hashed(const Shape& shape, int64_t seed, double scale) {
  return Tensor::of<double>(shape, hashed_values(element_count(shape), seed, scale));
}

}  // namespace onnxray::test
