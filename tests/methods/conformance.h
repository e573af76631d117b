#pragma once

#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {

/// Model C of the conformance cases: 4x4x2 NHWC, two convolutions with a max pool, as a TensorFlow exporter
/// writes it.
inline Net model_c() {
  using Ints = std::vector<int64_t>;
  GraphBuilder g;
  // The published kernels are HWIO; ours are OIHW.
  const auto kernel = [&](int64_t in, int64_t out, int64_t seed) {
    const std::vector<double> hwio = hashed_values(9 * in * out, seed, 0.6);
    std::vector<double> oihw(hwio.size());
    for (int64_t o = 0; o < out; ++o)
      for (int64_t i = 0; i < in; ++i)
        for (int64_t k = 0; k < 9; ++k)
          oihw[static_cast<size_t>((o * in + i) * 9 + k)] = hwio[static_cast<size_t>((k * in + i) * out + o)];
    return g.constant({out, in, 3, 3}, oihw);
  };
  const ValueId nchw = g.node("Transpose", {g.input("x", {1, 4, 4, 2})}, {{"perm", Ints{0, 3, 1, 2}}});
  const ValueId first = g.conv(nchw, kernel(2, 3, 143), g.constant(hashed({3}, 144, 0.2)));
  const ValueId second =
      g.conv(g.max_pool(g.relu(first)), kernel(3, 2, 145), g.constant(hashed({2}, 146, 0.2)));
  const ValueId flat = g.flatten(g.node("Transpose", {g.relu(second)}, {{"perm", Ints{0, 2, 3, 1}}}));
  // 2x2x2 entries: the dense layer has 8 inputs.
  const ValueId out = g.dense(flat, g.constant(hashed({8, 3}, 147, 0.8)), g.constant(hashed({3}, 148, 0.3)));
  return {g.build({out}), hashed({1, 4, 4, 2}, 149)};
}

/// The attribution of the first input under a convention.
inline Tensor explain_under(const std::string& convention, const Graph& graph, const std::string& method,
                            const Tensor& x, int64_t target) {
  ExplainSpec spec;
  spec.methods = resolve_methods({method}, {}, convention);
  spec.targets = {TargetSpec::Kind::index};
  const Program program = emit_explanation(graph, OpRegistry::builtin(), spec);
  return run(program, {x, Tensor::of<int64_t>({1}, {target})}).at("attribution:0:0:0");
}

}  // namespace onnxray::test
