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

Net series_net(const NetOptions& options) {
  using Ints = std::vector<int64_t>;
  GraphBuilder g;
  const ValueId x = g.input("x", {options.batch, 4, 12});
  const ValueId a = g.node("Conv", {x, g.constant(hashed({6, 2, 3}, 61)), g.constant(hashed({6}, 62, .3))},
                           {{"group", int64_t{2}}, {"dilations", Ints{2}}, {"pads", Ints{2, 2}}});
  const ValueId y = g.node("LeakyRelu", {a});
  const ValueId gate = g.node(
      "Sigmoid", {g.node("Conv", {y, g.constant(hashed({6, 6, 1}, 63)), g.constant(hashed({6}, 64))})});
  const ValueId tokens = g.node("Transpose", {g.node("Mul", {y, gate})}, {{"perm", Ints{0, 2, 1}}});
  const ValueId z = g.node(
      "Add", {g.node("MatMul", {tokens, g.constant(hashed({6, 3}, 65))}), g.constant(hashed({3}, 66, .3))});
  const ValueId flat = g.flatten(g.relu(z));
  return {g.build({g.dense(flat, g.constant(hashed({36, 4}, 67, .4)), g.constant(hashed({4}, 68, .3)))}),
          hashed({options.batch, 4, 12}, 69)};
}

std::vector<std::pair<std::string, Net>> homogeneous_nets(const NetOptions& options) {
  return {{"convolutions with max pooling", conv_net(options)},
          {"average pooling and a softmax", average_net(options)},
          {"a residual block", residual_net(options)},
          {"two branches and a concat", branching_net(options)}};
}

std::vector<std::pair<std::string, Net>> nets_of_linear_operators() {
  using Ints = std::vector<int64_t>;
  std::vector<std::pair<std::string, Net>> nets;
  const auto add = [&](const std::string& name, const Shape& shape, auto make) {
    GraphBuilder g;
    const ValueId y = make(g, g.input("x", shape));
    nets.emplace_back(name, Net{g.build({g.flatten(y)}), hashed(shape, 77)});
  };
  add("1-D with dilation", {2, 2, 9}, [](GraphBuilder& g, ValueId x) {
    return g.node("Conv", {x, g.constant(hashed({3, 2, 3}, 1)), g.constant(hashed({3}, 2))},
                  {{"dilations", Ints{2}}, {"pads", Ints{1, 2}}});
  });
  add("2-D with groups and stride", {2, 4, 6, 5}, [](GraphBuilder& g, ValueId x) {
    return g.node("Conv", {x, g.constant(hashed({6, 2, 3, 3}, 3)), g.constant(hashed({6}, 4))},
                  {{"group", int64_t{2}}, {"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 1, 2}}});
  });
  add("depthwise, then pointwise", {1, 3, 4, 4}, [](GraphBuilder& g, ValueId x) {
    const ValueId y =
        g.relu(g.node("Conv", {x, g.constant(hashed({3, 1, 3, 3}, 5)), g.constant(hashed({3}, 6))},
                      {{"group", int64_t{3}}}));
    return g.node("Conv", {y, g.constant(hashed({5, 3, 1, 1}, 7))});
  });
  add("3-D", {1, 2, 3, 4, 3}, [](GraphBuilder& g, ValueId x) {
    return g.node("Conv", {x, g.constant(hashed({2, 2, 2, 2, 2}, 8)), g.constant(hashed({2}, 9))});
  });
  add("transposed", {1, 2, 3, 3}, [](GraphBuilder& g, ValueId x) {
    return g.node("ConvTranspose", {x, g.constant(hashed({2, 3, 3, 3}, 10)), g.constant(hashed({3}, 11))},
                  {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 0, 1}}, {"output_padding", Ints{1, 0}}});
  });
  add("a matrix product with the weight first", {1, 3, 2}, [](GraphBuilder& g, ValueId x) {
    return g.node("MatMul", {g.constant(hashed({4, 3}, 12)), x});
  });
  add("a matrix product of rank 3", {1, 3, 2}, [](GraphBuilder& g, ValueId x) {
    return g.node("MatMul", {x, g.constant(hashed({2, 4}, 13))});
  });
  add("tokens with a bias", {2, 3, 2}, [](GraphBuilder& g, ValueId x) {
    return g.node("Add",
                  {g.node("MatMul", {x, g.constant(hashed({2, 4}, 14))}), g.constant(hashed({4}, 15))});
  });
  nets.emplace_back("model D", model_d());
  for (auto& net : homogeneous_nets()) nets.push_back(std::move(net));
  return nets;
}

}  // namespace onnxray::test
