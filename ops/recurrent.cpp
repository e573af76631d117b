#include <array>

#include "core/fail.h"
#include "ops/expand.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// One kind of cell: how many gates its weights hold, and what it uses where the node names no functions.
struct Cell {
  int64_t gates;
  std::vector<std::string> activations;  ///< of one direction
};

/// An activation of the node with its parameters, as a node of the graph.
struct Activation {
  std::string op;
  Attributes attributes;
};

/// A recurrent node, unrolled: x W^T + b of all steps is one product, then each step adds h R^T and gates.
/// In the comments: X [T,B,I], W [gates*H,I], R [gates*H,H], h and c [B,H].
class Unrolling {
 public:
  Unrolling(ExpandContext& context, const Cell& cell);

  /// One step: the projected input of the step and the state before it give the state after it.
  using Step = std::vector<ValueId> (Unrolling::*)(ValueId projected, const std::vector<ValueId>& state);
  /// Runs both directions and sets the outputs: Y, Y_h and, with two states, Y_c.
  void run(Step step, size_t states);

  std::vector<ValueId> rnn_step(ValueId projected, const std::vector<ValueId>& state);
  std::vector<ValueId> gru_step(ValueId projected, const std::vector<ValueId>& state);
  std::vector<ValueId> lstm_step(ValueId projected, const std::vector<ValueId>& state);

 private:
  struct Direction {
    std::vector<ValueId> y;      // by time, [B,H]
    std::vector<ValueId> state;  // at the end
  };
  Direction run_direction(int64_t d, Step step, size_t states);
  void open_direction(int64_t d);
  void open_bias(int64_t d);
  ValueId project();
  ValueId of_direction(size_t i, int64_t d);
  std::vector<ValueId> gates_of(ValueId x, int64_t count, int64_t axis);
  std::vector<ValueId> initial_state(int64_t d, size_t states);
  ValueId only_inside(int64_t t, ValueId fresh, ValueId old);
  ValueId activate(size_t which, ValueId x);
  ValueId gated(ValueId gate, ValueId signal) {
    return c_.add("Mul", {gate, signal}, {{"signal", int64_t{1}}});
  }
  ValueId on_grid(ValueId x);
  ValueId product(ValueId x, ValueId weight);  // x weight^T
  ValueId peephole(size_t gate, ValueId x, ValueId cell);
  void read_activations(const Cell& cell);

  ExpandContext& c_;
  int64_t gates_, hidden_ = 0, directions_ = 1, time_ = 0, batch_ = 0;
  bool batch_first_ = false, masked_ = false;
  bool rounds_ = false;  // what products take lies on a dynamic grid
  double clip_ = 0;
  bool reset_last_ = false;  // GRU with linear_before_reset: the reset gate acts on h R_n^T + b_n
  ValueId x_ = kNoValue, lengths_ = kNoValue, one_ = kNoValue;
  std::vector<Activation> all_activations_;
  // Of the open direction:
  ValueId w_ = kNoValue, bias_ = kNoValue, inner_bias_ = kNoValue;
  std::vector<ValueId> r_;  // whole, or a GRU's R_z,r and R_n
  std::vector<ValueId> peepholes_;
  std::vector<Activation> activations_;
};

Activation make_activation(const std::string& name, std::optional<double> alpha, std::optional<double> beta) {
  struct Known {
    std::string_view lower, op;
    int parameters;
  };
  constexpr std::array kKnown = {Known{"relu", "Relu", 0},
                                 Known{"tanh", "Tanh", 0},
                                 Known{"sigmoid", "Sigmoid", 0},
                                 Known{"softsign", "Softsign", 0},
                                 Known{"softplus", "Softplus", 0},
                                 Known{"leakyrelu", "LeakyRelu", 1},
                                 Known{"elu", "Elu", 1},
                                 Known{"thresholdedrelu", "ThresholdedRelu", 1},
                                 Known{"hardsigmoid", "HardSigmoid", 2},
                                 Known{"affine", "Affine", 2},
                                 Known{"scaledtanh", "ScaledTanh", 2}};
  std::string lower;
  for (const char letter : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  for (const Known& known : kKnown) {
    if (known.lower != lower) continue;
    Activation activation{std::string(known.op), {}};
    if (known.parameters >= 1 && alpha) activation.attributes["alpha"] = *alpha;
    if (known.parameters >= 2 && beta) activation.attributes["beta"] = *beta;
    return activation;
  }
  fail(ErrorCode::unsupported, "its activation '{}' is none that ONNX lists", name);
}

int parameter_count(const std::string& name, bool alpha) {
  const auto is = [&](std::string_view op) { return name == op; };
  if (is("HardSigmoid") || is("Affine") || is("ScaledTanh")) return 1;
  return alpha && (is("LeakyRelu") || is("Elu") || is("ThresholdedRelu")) ? 1 : 0;
}

Unrolling::Unrolling(ExpandContext& context, const Cell& cell) : c_(context), gates_(cell.gates) {
  const Node& node = c_.node;
  const std::string direction = string_attribute(node, "direction", "forward");
  require(direction == "forward" || direction == "reverse" || direction == "bidirectional",
          ErrorCode::bad_file, "direction '{}' is none of forward, reverse, bidirectional", direction);
  directions_ = direction == "bidirectional" ? 2 : 1;
  rounds_ = node.domain == "onnxray";
  batch_first_ = int_attribute(node, "layout", 0) != 0;
  clip_ = float_attribute(node, "clip", 0);
  reset_last_ = int_attribute(node, "linear_before_reset", 0) != 0;
  const Shape &x = c_.shape(0), &w = c_.shape(1), &r = c_.shape(2);
  require(x.size() == 3 && w.size() == 3 && r.size() == 3, ErrorCode::bad_file,
          "X {}, W {} and R {} must have three axes each", to_string(x), to_string(w), to_string(r));
  hidden_ = int_attribute(node, "hidden_size", r[2]);
  time_ = x[batch_first_ ? 1 : 0];
  batch_ = x[batch_first_ ? 0 : 1];
  const Shape w_wanted{directions_, gates_ * hidden_, x[2]}, r_wanted{directions_, gates_ * hidden_, hidden_};
  require(w == w_wanted && r == r_wanted, ErrorCode::bad_file, "W {} and R {} where {} and {} are needed",
          to_string(w), to_string(r), to_string(w_wanted), to_string(r_wanted));
  constexpr int64_t kMostSteps = 20'000;
  require(time_ <= kMostSteps, ErrorCode::unsupported,
          "it would unroll into {} steps; the most is {}: give it a shorter sequence", time_, kMostSteps);
  x_ = c_.input(0);
  if (batch_first_) x_ = c_.add("Transpose", {x_}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
  if (const Tensor* lengths = c_.known(4)) {
    for (int64_t i = 0; i < lengths->size(); ++i) masked_ |= lengths->as_int64(i) < time_;
  } else {
    masked_ = c_.has(4);
  }
  if (masked_) {
    lengths_ = c_.add("Unsqueeze", {c_.add("Cast", {c_.input(4)}, {{"to", int64_t{7}}}), c_.ints({1})});
  }
  one_ = c_.constant(Tensor::scalar(1.0).to(c_.dtype(0)));
  read_activations(cell);
}

/// The lists of alphas and betas hold an entry for each activation that has such a parameter.
void Unrolling::read_activations(const Cell& cell) {
  std::vector<std::string> names;
  if (const auto it = c_.node.attributes.find("activations"); it != c_.node.attributes.end()) {
    const auto* given = std::get_if<std::vector<std::string>>(&it->second);
    require(given != nullptr, ErrorCode::bad_file, "attribute 'activations' has the wrong type");
    names = *given;
  }
  if (names.empty()) {
    for (int64_t d = 0; d < directions_; ++d)
      names.insert(names.end(), cell.activations.begin(), cell.activations.end());
  }
  require(names.size() == cell.activations.size() * static_cast<size_t>(directions_), ErrorCode::bad_file,
          "{} activations for {} directions", names.size(), directions_);
  const auto alphas = floats_attribute(c_.node, "activation_alpha"),
             betas = floats_attribute(c_.node, "activation_beta");
  size_t alpha = 0, beta = 0;
  for (const std::string& name : names) {
    Activation plain = make_activation(name, {}, {});
    const auto next = [&](const std::vector<double>& list, size_t& at,
                          bool is_alpha) -> std::optional<double> {
      if (parameter_count(plain.op, is_alpha) == 0 || at >= list.size()) return std::nullopt;
      return list[at++];
    };
    const auto a = next(alphas, alpha, true);
    const auto b = next(betas, beta, false);
    all_activations_.push_back(make_activation(name, a, b));
  }
}

ValueId Unrolling::activate(size_t which, ValueId x) {
  const Activation& f = activations_[which];
  const auto scaled = [&](ValueId v, const char* parameter, double fallback) {
    const auto it = f.attributes.find(parameter);
    const double value = it == f.attributes.end() ? fallback : std::get<double>(it->second);
    return c_.add("Mul", {v, c_.constant(Tensor::scalar(value).to(c_.dtype(0)))});
  };
  if (f.op == "Affine") {
    const auto it = f.attributes.find("beta");
    const double shift = it == f.attributes.end() ? 0 : std::get<double>(it->second);
    return c_.add("Add", {scaled(x, "alpha", 1), c_.constant(Tensor::scalar(shift).to(c_.dtype(0)))});
  }
  if (f.op == "ScaledTanh") return scaled(c_.add("Tanh", {scaled(x, "beta", 1)}), "alpha", 1);
  return c_.add(f.op, {x}, f.attributes);
}

ValueId Unrolling::of_direction(size_t i, int64_t d) {
  return c_.add("Gather", {c_.input(i), c_.constant(Tensor::scalar(d))}, {{"axis", int64_t{0}}});
}

std::vector<ValueId> Unrolling::gates_of(ValueId x, int64_t count, int64_t axis) {
  if (count == 1) return {x};
  const std::vector<int64_t> parts(static_cast<size_t>(count), hidden_);
  return c_.add("Split", {x, c_.ints(parts)}, static_cast<size_t>(count), {{"axis", axis}});
}

void Unrolling::open_direction(int64_t d) {
  const size_t n = all_activations_.size() / static_cast<size_t>(directions_);
  const auto first = all_activations_.begin() + d * static_cast<int64_t>(n);
  activations_.assign(first, first + static_cast<int64_t>(n));
  w_ = of_direction(1, d);
  r_ = {of_direction(2, d)};
  if (c_.node.op == "GRU" && !reset_last_) {
    r_ = c_.add("Split", {r_[0], c_.ints({2 * hidden_, hidden_})}, 2, {{"axis", int64_t{0}}});
  }
  if (c_.has(3)) open_bias(d);
  if (c_.node.op == "LSTM" && c_.has(7)) peepholes_ = gates_of(of_direction(7, d), 3, 0);
}

/// Both biases go to the projection, all but what the reset gate of a GRU acts on.
void Unrolling::open_bias(int64_t d) {
  const auto halves =
      c_.add("Split", {of_direction(3, d)}, 2, {{"axis", int64_t{0}}, {"num_outputs", int64_t{2}}});
  ValueId recurrent = halves[1];
  if (reset_last_) {
    const auto parts = gates_of(recurrent, 3, 0);
    inner_bias_ = parts[2];
    const ValueId none = c_.constant(Tensor(c_.dtype(3), {hidden_}));
    recurrent = c_.add("Concat", {parts[0], parts[1], none}, {{"axis", int64_t{0}}});
  }
  bias_ = c_.add("Add", {halves[0], recurrent});
}

ValueId Unrolling::on_grid(ValueId x) { return rounds_ ? c_.add("RoundToGrid", {x}, {}, "onnxray") : x; }

ValueId Unrolling::product(ValueId x, ValueId weight) {
  return c_.add("Gemm", {on_grid(x), weight}, {{"transB", int64_t{1}}});
}

// [T,B,I] -> [T*B,I] W^T + b -> [T,B,gates*H]
ValueId Unrolling::project() {
  const ValueId rows = c_.add("Reshape", {x_, c_.ints({time_ * batch_, c_.shape(0)[2]})});
  const ValueId all = c_.add("Gemm", {on_grid(rows), w_, bias_}, {{"transB", int64_t{1}}});
  return c_.add("Reshape", {all, c_.ints({time_, batch_, gates_ * hidden_})});
}

std::vector<ValueId> Unrolling::initial_state(int64_t d, size_t states) {
  std::vector<ValueId> state;
  for (size_t s = 0; s < states; ++s) {
    if (!c_.has(5 + s)) {
      state.push_back(c_.constant(Tensor(c_.dtype(0), {batch_, hidden_})));
      continue;
    }
    // [D,B,H], or [B,D,H] where the batch comes first
    state.push_back(c_.add("Gather", {c_.input(5 + s), c_.constant(Tensor::scalar(d))},
                           {{"axis", int64_t{batch_first_ ? 1 : 0}}}));
  }
  return state;
}

/// Behind a sequence's end the state stays what it was.
ValueId Unrolling::only_inside(int64_t t, ValueId fresh, ValueId old) {
  const ValueId inside = c_.add("Less", {c_.constant(Tensor::scalar(t)), lengths_});
  return c_.add("Where", {inside, fresh, old});
}

Unrolling::Direction Unrolling::run_direction(int64_t d, Step step, size_t states) {
  const bool reverse = d == 1 || string_attribute(c_.node, "direction", "forward") == "reverse";
  const std::string name = directions_ == 2 ? (d == 0 ? "forward" : "reverse") : "";
  c_.set_part(name);
  open_direction(d);
  const ValueId projected = project();
  std::vector<ValueId> steps{projected};
  if (time_ > 0) {
    const std::vector<int64_t> ones(static_cast<size_t>(time_), 1);
    steps = c_.add("Split", {projected, c_.ints(ones)}, static_cast<size_t>(time_), {{"axis", int64_t{0}}});
  }
  Direction result{std::vector<ValueId>(static_cast<size_t>(time_)), initial_state(d, states)};
  const ValueId zero = masked_ ? c_.constant(Tensor(c_.dtype(0), {batch_, hidden_})) : kNoValue;
  for (int64_t i = 0; i < time_; ++i) {
    const int64_t t = reverse ? time_ - 1 - i : i;
    c_.set_part(name.empty() ? std::to_string(t) : fmt::format("{}/{}", name, t));
    const ValueId row =
        c_.add("Reshape", {steps[static_cast<size_t>(t)], c_.ints({batch_, gates_ * hidden_})});
    std::vector<ValueId> fresh = (this->*step)(row, result.state);
    ValueId y = fresh[0];
    if (masked_) {
      y = only_inside(t, y, zero);
      for (size_t s = 0; s < states; ++s) fresh[s] = only_inside(t, fresh[s], result.state[s]);
    }
    result.y[static_cast<size_t>(t)] = y;
    result.state = std::move(fresh);
  }
  c_.set_part("");
  return result;
}

void Unrolling::run(Step step, size_t states) {
  require(time_ > 0, ErrorCode::unsupported, "its sequence is empty");
  std::vector<Direction> done;
  for (int64_t d = 0; d < directions_; ++d) done.push_back(run_direction(d, step, states));
  // Y [T,D,B,H] or [B,T,D,H]; the states [D,B,H] or [B,D,H].
  const auto stacked = [&](std::vector<ValueId> parts, int64_t axis) {
    for (ValueId& part : parts) part = c_.add("Unsqueeze", {part, c_.ints({axis})});
    return parts.size() == 1 ? parts[0] : c_.add("Concat", parts, {{"axis", axis}});
  };
  if (c_.wants(0)) {
    std::vector<ValueId> by_direction;
    for (const Direction& d : done) by_direction.push_back(stacked(d.y, batch_first_ ? 1 : 0));
    c_.set(0, stacked(by_direction, batch_first_ ? 2 : 1));
  }
  for (size_t s = 0; s < states; ++s) {
    if (!c_.wants(1 + s)) continue;
    std::vector<ValueId> last;
    for (const Direction& d : done) last.push_back(d.state[s]);
    c_.set(1 + s, stacked(last, batch_first_ ? 1 : 0));
  }
}

/// What a step may not exceed before its activations.
ValueId clipped(ExpandContext& c, double bound, ValueId x) {
  if (bound <= 0) return x;
  const auto limit = [&](double v) { return c.constant(Tensor::scalar(v).to(c.dtype(0))); };
  return c.add("Clip", {x, limit(-bound), limit(bound)});
}

// h = f(x W^T + h R^T + b)
std::vector<ValueId> Unrolling::rnn_step(ValueId projected, const std::vector<ValueId>& state) {
  const ValueId sum = c_.add("Add", {projected, product(state[0], r_[0])});
  return {activate(0, clipped(c_, clip_, sum))};
}

// z, r = f(x W^T + h R^T + b); n = g(x W_n^T + r * (h R_n^T + b_n)), or with (r * h) R_n^T + b_n
// h = (1 - z) * n + z * h
std::vector<ValueId> Unrolling::gru_step(ValueId projected, const std::vector<ValueId>& state) {
  const ValueId h = state[0];
  const auto x = gates_of(projected, 3, 1), y = gates_of(product(h, r_[0]), reset_last_ ? 3 : 2, 1);
  const auto squash = [&](size_t f, ValueId a, ValueId b) {
    return activate(f, clipped(c_, clip_, c_.add("Add", {a, b})));
  };
  const ValueId z = squash(0, x[0], y[0]), r = squash(0, x[1], y[1]);
  ValueId inner;
  if (reset_last_) {
    inner = gated(r, inner_bias_ == kNoValue ? y[2] : c_.add("Add", {y[2], inner_bias_}));
  } else {
    inner = product(gated(r, h), r_[1]);
  }
  const ValueId n = squash(1, x[2], inner);
  return {c_.add("Add", {gated(c_.add("Sub", {one_, z}), n), gated(z, h)})};
}

ValueId Unrolling::peephole(size_t gate, ValueId x, ValueId cell) {
  if (peepholes_.empty()) return x;
  return c_.add("Add", {x, c_.add("Mul", {cell, peepholes_[gate]})});
}

// i, o, f = f(x W^T + h R^T + p * c + b); c = f * c + i * g(x W_c^T + h R_c^T + b_c); h = o * h(c)
std::vector<ValueId> Unrolling::lstm_step(ValueId projected, const std::vector<ValueId>& state) {
  const ValueId h = state[0], cell = state[1];
  const auto gates = gates_of(c_.add("Add", {projected, product(h, r_[0])}), 4, 1);  // i, o, f, c
  const auto squash = [&](size_t f, ValueId x) { return activate(f, clipped(c_, clip_, x)); };
  const ValueId i = squash(0, peephole(0, gates[0], cell));
  const bool coupled = int_attribute(c_.node, "input_forget", 0) != 0;
  const ValueId f = coupled ? c_.add("Sub", {one_, i}) : squash(0, peephole(2, gates[2], cell));
  const ValueId next = c_.add("Add", {gated(f, cell), gated(i, squash(1, gates[3]))});
  const ValueId o = squash(0, peephole(1, gates[1], next));
  return {gated(o, activate(2, next)), next};
}

void expand_rnn(ExpandContext& c) { Unrolling(c, {1, {"Tanh"}}).run(&Unrolling::rnn_step, 1); }
void expand_gru(ExpandContext& c) { Unrolling(c, {3, {"Sigmoid", "Tanh"}}).run(&Unrolling::gru_step, 1); }
void expand_lstm(ExpandContext& c) {
  Unrolling(c, {4, {"Sigmoid", "Tanh", "Tanh"}}).run(&Unrolling::lstm_step, 2);
}

}  // namespace

std::vector<OpDef> recurrent_ops() {
  return {
      assembly("", "RNN", {1, 7, 14, 22}, expand_rnn), assembly("", "GRU", {1, 3, 7, 14, 22}, expand_gru),
      assembly("", "LSTM", {1, 7, 14, 22}, expand_lstm),
      assembly("onnxray", "LSTM", {1}, expand_lstm),  // with operands on a dynamic grid
  };
}

}  // namespace onnxray
