#include "tests/support/nets.h"

namespace onnxray::test {

namespace {

/// Weights by name of seed; a bias of zeros where the net is to have none.
class Layers {
 public:
  explicit Layers(const NetOptions& options) : options_(options) {}

  GraphBuilder g;
  ValueId image(int64_t channels, int64_t size) {
    return g.input("x", {options_.batch, channels, size, size});
  }
  ValueId conv(ValueId x, int64_t in, int64_t out, int64_t size = 3) {
    const ValueId w = g.constant(hashed({out, in, size, size}, ++seed_, 0.6));
    return g.conv(x, w, bias(out), size / 2);
  }
  ValueId dense(ValueId x, int64_t in, int64_t out) {
    const ValueId w = g.constant(hashed({in, out}, ++seed_, 0.8));
    return g.dense(x, w, bias(out));
  }
  Net net(ValueId out, int64_t channels, int64_t size) const {
    return {g.build({out}), hashed({options_.batch, channels, size, size}, 149)};
  }

 private:
  ValueId bias(int64_t n) { return g.constant(hashed({n}, ++seed_, options_.bias ? 0.3 : 0.0)); }

  NetOptions options_;
  int64_t seed_ = 10;
};

}  // namespace

Net model_d(const std::string& tail) {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3});
  const ValueId hidden = g.relu(
      g.dense(x, g.constant({3, 3}, {1, -2, .5, -1, 1, 2, .5, 1, -1}), g.constant({3}, {.5, -.25, .1})));
  ValueId out = g.dense(hidden, g.constant({3, 2}, {1, -1, 2, .5, -1, 1.5}), g.constant({2}, {.2, -.3}));
  if (!tail.empty()) out = g.node(tail, {out});
  return {g.build({out}), Tensor::of<double>({1, 3}, {1, 0, -2})};
}

Net conv_net(const NetOptions& options) {
  Layers l(options);
  const ValueId a = l.g.max_pool(l.g.relu(l.conv(l.image(2, 6), 2, 4)));
  const ValueId b = l.g.flatten(l.g.relu(l.conv(a, 4, 3)));
  return l.net(l.dense(b, 27, 4), 2, 6);
}

Net average_net(const NetOptions& options) {
  Layers l(options);
  const ValueId a = l.g.average_pool(l.g.relu(l.conv(l.image(2, 6), 2, 4)));
  const ValueId b = l.g.flatten(l.g.node("GlobalAveragePool", {l.conv(a, 4, 5)}));
  return l.net(l.g.softmax(l.dense(b, 5, 4)), 2, 6);
}

Net residual_net(const NetOptions& options) {
  Layers l(options);
  const ValueId stem = l.conv(l.image(2, 5), 2, 4);
  const ValueId sum = l.g.node("Add", {stem, l.g.relu(l.conv(stem, 4, 4))});
  return l.net(l.dense(l.g.flatten(l.g.node("GlobalAveragePool", {sum})), 4, 3), 2, 5);
}

Net branching_net(const NetOptions& options) {
  Layers l(options);
  const ValueId x = l.image(2, 4);
  const ValueId both =
      l.g.node("Concat", {l.g.relu(l.conv(x, 2, 3)), l.conv(x, 2, 2, 1)}, {{"axis", int64_t{1}}});
  return l.net(l.dense(l.g.flatten(l.g.max_pool(both)), 20, 3), 2, 4);
}

std::vector<std::pair<std::string, Net>> homogeneous_nets(const NetOptions& options) {
  return {{"convolutions with max pooling", conv_net(options)},
          {"average pooling and a softmax", average_net(options)},
          {"a residual block", residual_net(options)},
          {"two branches and a concat", branching_net(options)}};
}

}  // namespace onnxray::test
