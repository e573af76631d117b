#pragma once

#include "tests/support/graph_builder.h"

namespace onnxray::test {

/// A small net with an input that fits it.
struct Net {
  Graph graph;
  Tensor x;
};

/// Model D of the conformance cases: x = (1, 0, -2) with a zero input, a dead unit and a negative logit.
/// `tail` is a node put after the logits: "", "Identity", "Softmax".
Net model_d(const std::string& tail = {});

struct NetOptions {
  bool bias = true;
  int64_t batch = 1;
};
/// Conv - Relu - MaxPool - Conv - Relu - Flatten - Gemm.
Net conv_net(const NetOptions& options = {});
/// Conv - Relu - AveragePool - Conv - GlobalAveragePool - Flatten - Gemm - Softmax.
Net average_net(const NetOptions& options = {});
/// Conv, then x + Relu(Conv(x)), GlobalAveragePool, Gemm.
Net residual_net(const NetOptions& options = {});
/// Two branches of convolutions joined by Concat, MaxPool, Gemm.
Net branching_net(const NetOptions& options = {});
/// Convolutions over time with groups and dilation, LeakyRelu, a gate, a dense layer on tokens.
Net series_net(const NetOptions& options = {});
/// All of the above that are positively homogeneous in their activations.
std::vector<std::pair<std::string, Net>> homogeneous_nets(const NetOptions& options = {});

/// A net for every linear operator: strides, groups, dilation, asymmetric padding, 1-D to 3-D, transposed,
/// either operand constant; and the nets above.
std::vector<std::pair<std::string, Net>> nets_of_linear_operators();

}  // namespace onnxray::test
