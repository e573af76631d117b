#pragma once

#include <string>
#include <vector>

#include "core/graph.h"
#include "onnx/passes/pass.h"

namespace onnxray::test {

/// Builds a Graph in memory, in double, and specialises it: dtypes, shapes and the canonical nodes are as the
/// engine sees them.
class GraphBuilder {
 public:
  ValueId input(const std::string& name, const Shape& shape);
  ValueId constant(Tensor value);
  ValueId constant(Shape shape, const std::vector<double>& values) {
    return constant(Tensor::of<double>(std::move(shape), values));
  }
  ValueId ints(const std::vector<int64_t>& values);

  /// The opset of the nodes that follow; 17 at first.
  void set_opset(int64_t opset) { opset_ = opset; }
  /// The operator domain of the nodes that follow; ai.onnx ("") at first.
  void set_domain(std::string domain) { domain_ = std::move(domain); }
  /// A node; its first output is called `name`, by default "op#number".
  ValueId node(const std::string& op, const std::vector<ValueId>& inputs, Attributes attributes = {},
               std::string name = {});
  std::vector<ValueId> split(ValueId x, int64_t axis, const std::vector<int64_t>& extents);

  // Frequent nodes.
  ValueId dense(ValueId x, ValueId w, ValueId b) { return node("Gemm", {x, w, b}); }
  ValueId conv(ValueId x, ValueId w, ValueId b, int64_t pad = 1, int64_t stride = 1);
  ValueId relu(ValueId x) { return node("Relu", {x}); }
  ValueId max_pool(ValueId x, int64_t size = 2) { return pool("MaxPool", x, size); }
  ValueId average_pool(ValueId x, int64_t size = 2) { return pool("AveragePool", x, size); }
  ValueId flatten(ValueId x) { return node("Flatten", {x}); }
  ValueId softmax(ValueId x) { return node("Softmax", {x}, {{"axis", int64_t{-1}}}); }

  /// The specialised graph; the builder can go on.
  Graph build(const std::vector<ValueId>& outputs, const PassOptions& options = {}) const;

 private:
  ValueId pool(const std::string& op, ValueId x, int64_t size);

  Graph graph_;
  int64_t opset_ = 17;
  std::string domain_;
};

/// Numbers in [-scale, scale], spread evenly and different for every seed: the fraction
/// ((i + 1) * 2654435761 + seed * 40503 * 65537 mod 2^32) / 2^32, moved and scaled.
std::vector<double> hashed_values(int64_t n, int64_t seed, double scale = 1);
Tensor hashed(const Shape& shape, int64_t seed, double scale = 1);

}  // namespace onnxray::test
