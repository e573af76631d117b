#include <limits>

#include "tests/backends/cases.h"

namespace onnxray::test {

void add_elementwise_cases(std::vector<PrimitiveCase>& cases);

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// All pairs of special numbers, each also a multiple of a quarter apart from ties of rounding.
std::pair<Tensor, Tensor> special_pairs() {
  const std::vector<float> values{0.0F, -0.0F, 1, -1, 0.5F,      -0.5F,      1.5F,
                                  2.5F, -2.5F, 3, -7, kInfinity, -kInfinity, kNaN};
  std::vector<float> a, b;
  for (const float x : values) {
    for (const float y : values) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  const Shape shape{static_cast<int64_t>(a.size())};
  return {Tensor::of(shape, a), Tensor::of(shape, b)};
}

std::vector<Opcode> opcodes(int wanted) {
  std::vector<Opcode> result;
  for (int i = 0; i <= static_cast<int>(Opcode::clip); ++i) {
    if (arity(static_cast<Opcode>(i)) == wanted) result.push_back(static_cast<Opcode>(i));
  }
  return result;
}

bool is_bitwise(Opcode op) {
  return op == Opcode::bitwise_not || (op >= Opcode::bitwise_and && op <= Opcode::shift_right);
}

void add_single_instructions(std::vector<PrimitiveCase>& cases) {
  const auto [a, b_] = special_pairs();
  const Tensor x = random_tensor({3, 2, 7, 9}, 61, 3.0), y = random_tensor({3, 2, 7, 9}, 62, 3.0);
  const Tensor i = random_integers({5, 40}, 63, -6, 7), j = random_integers({5, 40}, 64, -6, 7);
  for (const Opcode op : opcodes(1)) {
    const std::string name = "elementwise " + std::string(name_of(op));
    const auto emit = [&](Builder& b, const auto& v) { b.unary(op, v[0]); };
    if (!is_bitwise(op)) {
      cases.push_back(make_case(name, {x}, emit));
      cases.push_back(make_case(name + " of special numbers", {a}, emit));
    }
    if (op <= Opcode::relu || op >= Opcode::floor)
      cases.push_back(make_case(name + " of integers", {i}, emit));
  }
  for (const Opcode op : opcodes(2)) {
    const std::string name = "elementwise " + std::string(name_of(op));
    const auto emit = [&](Builder& b, const auto& v) { b.binary(op, v[0], v[1]); };
    if (!is_bitwise(op)) {
      cases.push_back(make_case(name, {x, y}, emit));
      cases.push_back(make_case(name + " of special numbers", {a, b_}, emit));
    }
    cases.push_back(make_case(name + " of integers", {i, j}, emit));
  }
}

void add_broadcasts_and_casts(std::vector<PrimitiveCase>& cases) {
  const Tensor x = random_tensor({2, 3, 4, 5}, 71), channel = random_tensor({3, 1, 1}, 72),
               column = random_tensor({4, 1}, 73);
  const Tensor batch = random_tensor({2, 1, 1, 1}, 74), row = random_tensor({1, 5}, 75);
  const auto add = [&](const char* name, std::vector<Tensor> in,
                       const std::function<void(Builder&, const std::vector<Var>&)>& emit) {
    cases.push_back(make_case(name, std::move(in), emit));
  };
  add("elementwise with a channel operand", {x, channel},
      [](Builder& b, const auto& v) { b.mul(v[0], v[1]); });
  add("elementwise with a batch operand", {batch, x}, [](Builder& b, const auto& v) { b.sub(v[0], v[1]); });
  add("elementwise outer sum", {column, row}, [](Builder& b, const auto& v) { b.add(v[0], v[1]); });
  add("elementwise of a one-element tensor", {x, Tensor::filled(DType::f32, {1}, 3)},
      [](Builder& b, const auto& v) { b.div(v[0], v[1]); });
  add("elementwise of nothing", {random_tensor({2, 0, 3}, 1), random_tensor({2, 1, 1}, 2)},
      [](Builder& b, const auto& v) { b.add(v[0], v[1]); });
  add("select", {random_integers({3, 1, 5}, 76, 0, 2, DType::boolean).reshaped({3, 1, 5}), x, x},
      [](Builder& b, const auto& v) { b.select(v[0], v[1], b.scalar(-1)); });
  add("clip between numbers", {x},
      [](Builder& b, const auto& v) { b.clip(v[0], b.scalar(-0.5), b.scalar(1)); });
  add("clip between tensors", {x, channel, column},
      [](Builder& b, const auto& v) { b.clip(v[0], v[1], v[2]); });
  const auto [special, other] = special_pairs();
  const Tensor third = random_integers(special.shape(), 77, -2, 3, DType::f32);
  add("clip of special numbers below", {special, other, third},
      [](Builder& b, const auto& v) { b.clip(v[0], v[1], v[2]); });
  add("clip of special numbers above", {special, other, third},
      [](Builder& b, const auto& v) { b.clip(v[0], v[2], v[1]); });
  const Tensor wide = Tensor::of<float>({9}, {0, -0.5F, 1.9F, -1.9F, 255.5F, 300, -129, 3e9F, kNaN});
  for (const DType to : {DType::f64, DType::f16, DType::i8, DType::u8, DType::i16, DType::u16, DType::i32,
                         DType::u32, DType::i64, DType::boolean}) {
    const std::string name = "cast to " + std::string(name_of(to));
    cases.push_back(make_case(name, {wide}, [&](Builder& b, const auto& v) { b.cast(v[0], to); }));
    const Tensor integers = Tensor::of<int64_t>({6}, {0, -1, 128, 65535, -40000, int64_t{1} << 33});
    if (to != DType::i64)
      cases.push_back(
          make_case(name + " from i64", {integers}, [&](Builder& b, const auto& v) { b.cast(v[0], to); }));
  }
}

Source input(int32_t i) { return {Source::Kind::input, i, 0}; }
Source result(int32_t i) { return {Source::Kind::result, i, 0}; }
Source number(double x) { return {Source::Kind::immediate, 0, x}; }

/// Chains as the fusion pass makes them, with several results.
void add_chains(std::vector<PrimitiveCase>& cases) {
  // s = x / (z + 1e-7 * sign(z)), c = relu(s) * y
  const Expression stabilised{Expression::Domain::real,
                              {{Opcode::sign_positive, input(1), {}, {}},
                               {Opcode::mul, result(0), number(1e-7), {}},
                               {Opcode::add, input(1), result(1), {}},
                               {Opcode::div, input(0), result(2), {}},
                               {Opcode::relu, result(3), {}, {}},
                               {Opcode::mul, result(4), input(2), {}}},
                              {3, 5}};
  const Shape shape{2, 5, 6, 300};
  PrimitiveCase chain{"elementwise chain with two results",
                      Elementwise{stabilised},
                      {},
                      {{shape, DType::f32}, {shape, DType::f32}}};
  chain.inputs = {random_tensor(shape, 81), random_tensor({5, 1, 1}, 82), random_tensor({300}, 83)};
  cases.push_back(chain);

  // m = min(x, 0) < 0.25 ? x : y, and whether x < y
  const Expression masked{Expression::Domain::real,
                          {{Opcode::min, input(0), number(0), {}},
                           {Opcode::less, result(0), number(0.25), {}},
                           {Opcode::select, result(1), input(0), input(1)},
                           {Opcode::less, input(0), input(1), {}}},
                          {2, 3}};
  PrimitiveCase mask{"elementwise chain with a boolean result",
                     Elementwise{masked},
                     {},
                     {{shape, DType::f32}, {shape, DType::boolean}}};
  mask.inputs = {random_tensor(shape, 84), random_tensor({2, 1, 6, 1}, 85)};
  cases.push_back(mask);
}

}  // namespace

void add_elementwise_cases(std::vector<PrimitiveCase>& cases) {
  add_single_instructions(cases);
  add_broadcasts_and_casts(cases);
  add_chains(cases);
}

}  // namespace onnxray::test
