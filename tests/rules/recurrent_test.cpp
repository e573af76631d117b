#include <cmath>

#include "core/cost.h"
#include "rules/composite.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

/// x [4,1,3] -> a recurrent node without biases -> the last step's state -> two classes.
Graph recurrent_net(const std::string& op, int64_t gates, Attributes attributes, int64_t directions) {
  GraphBuilder g;
  const ValueId x = g.input("x", {4, 1, 3});
  const ValueId w = g.constant(hashed({directions, gates * 5, 3}, 1)),
                r = g.constant(hashed({directions, gates * 5, 5}, 2));
  const ValueId y = g.node(op, {x, w, r}, std::move(attributes));
  const ValueId all = g.node("Reshape", {y, g.ints({1, 4 * directions * 5})});
  return g.build({g.node("MatMul", {all, g.constant(hashed({4 * directions * 5, 2}, 3))})});
}

// The denominators of z are sums of a few numbers of size one, in double.
constexpr double kRounding = 1e-9;

TEST_CASE(
    "relevance passes recurrent nodes by their signals, so that without biases it adds up to the logit") {
  const auto check = [](const Graph& graph) {
    const Results results = explain_results(graph, "lrp_z", {hashed({4, 1, 3}, 7)}, target_index({1}));
    const double logit = results.at("score:0").as_double(0);
    CHECK(std::fabs(sum(results.at("attribution:0:0:0")) - logit) < kRounding);
  };
  check(recurrent_net("RNN", 1, {{"hidden_size", int64_t{5}}}, 1));
  check(recurrent_net("LSTM", 4, {{"direction", std::string("bidirectional")}}, 2));
  check(recurrent_net("GRU", 3, {}, 1));
  check(recurrent_net("GRU", 3, {{"linear_before_reset", int64_t{1}}}, 1));
}

TEST_CASE("every product of a recurrent node is a gate, none is shared") {
  const Graph graph = recurrent_net("LSTM", 4, {}, 1);
  const RuleAssignment rules(graph, OpRegistry::builtin(), {}, convention("signxai"));
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op == "Mul") CHECK(rules.name_of(static_cast<int32_t>(n)) == "gate(signal 1)");
  }
}

using Matrix = std::vector<std::vector<double>>;

Matrix zeros(size_t rows, size_t columns) { return Matrix(rows, std::vector<double>(columns, 0)); }

/// A tensor with two axes that differ from 1, as rows.
Matrix rows_of(const Tensor& t, size_t rows) {
  const size_t columns = static_cast<size_t>(t.size()) / rows;
  Matrix m = zeros(rows, columns);
  for (size_t i = 0; i < rows * columns; ++i)
    m[i / columns][i % columns] = t.as_double(static_cast<int64_t>(i));
  return m;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// What one recurrent node computes from x [T,I] with weights [gates*H,I], [gates*H,H] and biases
/// [2*gates*H], and the relevance of x when R arrives at its last h, all by loops.
struct ByHand {
  Matrix x, w, r;
  std::vector<double> b;
  size_t gates, hidden;

  size_t steps() const { return x.size(); }
  /// x_t W^T + h R^T + both biases, of unit u of a gate.
  double before(size_t gate, size_t u, size_t t, const std::vector<double>& h) const {
    const size_t row = gate * hidden + u;
    double sum = b[row] + b[gates * hidden + row];
    for (size_t i = 0; i < x[t].size(); ++i) sum += w[row][i] * x[t][i];
    for (size_t k = 0; k < hidden; ++k) sum += r[row][k] * h[k];
    return sum;
  }
  /// The z-rule from the unit's R to x_t and to h: every term's share of z.
  void share(double R, double z, size_t row, size_t t, const std::vector<double>& h, Matrix& Rx,
             std::vector<double>& Rh) const {
    for (size_t i = 0; i < x[t].size(); ++i) Rx[t][i] += R * w[row][i] * x[t][i] / z;
    for (size_t k = 0; k < hidden; ++k) Rh[k] += R * r[row][k] * h[k] / z;
  }
};

/// c_t = f c_{t-1} + i g: each term's share, of which the signal (c_{t-1}, g) takes all; h_t = o tanh(c_t).
Matrix lstm_relevance(const ByHand& net, const std::vector<double>& readout) {
  const size_t H = net.hidden, T = net.steps();
  Matrix h = zeros(T + 1, H), c = zeros(T + 1, H), in = zeros(T, H), forget = zeros(T, H), g = zeros(T, H);
  for (size_t t = 0; t < T; ++t) {
    for (size_t u = 0; u < H; ++u) {
      in[t][u] = sigmoid(net.before(0, u, t, h[t]));
      forget[t][u] = sigmoid(net.before(2, u, t, h[t]));
      g[t][u] = std::tanh(net.before(3, u, t, h[t]));
      c[t + 1][u] = forget[t][u] * c[t][u] + in[t][u] * g[t][u];
      h[t + 1][u] = sigmoid(net.before(1, u, t, h[t])) * std::tanh(c[t + 1][u]);
    }
  }
  Matrix Rx = zeros(T, net.x[0].size());
  std::vector<double> Rh(H), Rc(H, 0);
  for (size_t u = 0; u < H; ++u) Rh[u] = h[T][u] * readout[u];
  for (size_t t = T; t-- > 0;) {
    std::vector<double> before(H, 0);
    for (size_t u = 0; u < H; ++u) {
      const double R = Rc[u] + Rh[u];
      Rc[u] = R * forget[t][u] * c[t][u] / c[t + 1][u];
      const double Rg = R * in[t][u] * g[t][u] / c[t + 1][u];
      net.share(Rg, net.before(3, u, t, h[t]), 3 * H + u, t, h[t], Rx, before);
    }
    Rh = before;
  }
  return Rx;
}

/// h_t = (1 - z) n + z h_{t-1}, n = tanh(x W_n^T + (r h_{t-1}) R_n^T + b_n).
Matrix gru_relevance(const ByHand& net, const std::vector<double>& readout) {
  const size_t H = net.hidden, T = net.steps();
  Matrix h = zeros(T + 1, H), z = zeros(T, H), n = zeros(T, H), reset_h = zeros(T, H), pre = zeros(T, H);
  for (size_t t = 0; t < T; ++t) {
    for (size_t u = 0; u < H; ++u) {
      z[t][u] = sigmoid(net.before(0, u, t, h[t]));
      reset_h[t][u] = sigmoid(net.before(1, u, t, h[t])) * h[t][u];
    }
    for (size_t u = 0; u < H; ++u) {
      pre[t][u] = net.before(2, u, t, reset_h[t]);
      n[t][u] = std::tanh(pre[t][u]);
      h[t + 1][u] = (1 - z[t][u]) * n[t][u] + z[t][u] * h[t][u];
    }
  }
  Matrix Rx = zeros(T, net.x[0].size());
  std::vector<double> Rh(H);
  for (size_t u = 0; u < H; ++u) Rh[u] = h[T][u] * readout[u];
  for (size_t t = T; t-- > 0;) {
    std::vector<double> before(H, 0);
    for (size_t u = 0; u < H; ++u) {
      before[u] += Rh[u] * z[t][u] * h[t][u] / h[t + 1][u];
      const double Rn = Rh[u] * (1 - z[t][u]) * n[t][u] / h[t + 1][u];
      net.share(Rn, pre[t][u], 2 * H + u, t, reset_h[t], Rx, before);
    }
    Rh = before;
  }
  return Rx;
}

TEST_CASE("relevance through an LSTM and a GRU is what the rules give by hand: the signal takes all") {
  constexpr int64_t T = 4, I = 3, H = 5;
  for (const bool lstm : {true, false}) {
    const int64_t gates = lstm ? 4 : 3;
    const Tensor x = hashed({T, 1, I}, 7), w = hashed({1, gates * H, I}, 1), r = hashed({1, gates * H, H}, 2),
                 b = hashed({1, 2 * gates * H}, 4, 0.3), v = hashed({H, 1}, 3);
    GraphBuilder g;
    const ValueId in = g.input("x", {T, 1, I});
    const ValueId y = g.node(lstm ? "LSTM" : "GRU", {in, g.constant(w), g.constant(r), g.constant(b)});
    const ValueId last = g.node("Gather", {y, g.constant(Tensor::scalar<int64_t>(T - 1))});
    const ValueId flat = g.node("Reshape", {last, g.ints({1, H})});
    const Graph graph = g.build({g.node("MatMul", {flat, g.constant(v)})});
    const ByHand net{rows_of(x, T),
                     rows_of(w, static_cast<size_t>(gates * H)),
                     rows_of(r, static_cast<size_t>(gates * H)),
                     b.to_doubles(),
                     static_cast<size_t>(gates),
                     H};
    const Matrix Rx = lstm ? lstm_relevance(net, v.to_doubles()) : gru_relevance(net, v.to_doubles());
    std::vector<double> expected;
    for (const auto& row : Rx) expected.insert(expected.end(), row.begin(), row.end());
    INFO((lstm ? "LSTM" : "GRU"));
    CHECK(difference(explain(graph, "lrp_z", x, 0), expected) < kRounding);
  }
}

/// x [T,1,3] -> LSTM -> all states -> two classes: the bytes that its explanation moves.
double bytes_moved(int64_t T, const std::string& method) {
  GraphBuilder g;
  const ValueId x = g.input("x", {T, 1, 3});
  const ValueId y = g.node("LSTM", {x, g.constant(hashed({1, 32, 3}, 1)), g.constant(hashed({1, 32, 8}, 2))});
  const ValueId flat =
      g.node("ReduceMean", {y}, {{"axes", std::vector<int64_t>{0, 1}}, {"keepdims", int64_t{0}}});
  const Graph graph = g.build({g.node("MatMul", {flat, g.constant(hashed({8, 2}, 3))})});
  return cost_of(make_plan(explanation_program(graph, method), {})).bytes;
}

TEST_CASE("the explanation of a recurrent node costs in proportion to its steps, not to their square") {
  for (const char* method : {"gradient", "lrp_epsilon_0_1"}) {
    const double ten = bytes_moved(10, method), twenty = bytes_moved(20, method),
                 forty = bytes_moved(40, method);
    // What is counted once differs by little; a square would double this ratio.
    CHECK((forty - twenty) / (twenty - ten) == Approx(2).epsilon(0.02));
  }
}

}  // namespace
}  // namespace onnxray::test
