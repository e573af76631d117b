#include <algorithm>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/builder.h"
#include "core/cost.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

constexpr int64_t kSide = 1024;  // a matrix of that side is just large enough
const PlanOptions kReadsForms{.real_size = 8, .unpacked_rows = 8, .reads_forms = true};

Tensor numbers(Shape shape, int64_t seed) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((static_cast<int64_t>(i) * 37 + seed * 11) % 101 - 50);
  return Tensor::of<float>(std::move(shape), values);
}

std::vector<Tensor> run(Program program, const std::vector<Tensor>& inputs) {
  const auto backend = make_reference_backend(true);
  return backend->compile(make_plan(std::move(program), backend->plan_options()))->run(inputs);
}

/// Runs the pass and what drops the forms that nobody reads then; results must stay, bit by bit.
Program joined(Program program, const std::vector<Tensor>& inputs, const PlanOptions& options = kReadsForms) {
  const std::vector<Tensor> before = run(program, inputs);
  join_form_products(program, options);
  eliminate_dead_code(program);
  const std::vector<Tensor> after = run(program, inputs);
  for (size_t i = 0; i < before.size(); ++i) CHECK(before[i].to_doubles() == after[i].to_doubles());
  return program;
}

/// How many products each step of the program has that reads a matrix: MatMul counts 0.
std::vector<size_t> products(const Program& program) {
  std::vector<size_t> counts;
  for (const Step& step : program.steps) {
    if (std::holds_alternative<MatMul>(step.primitive)) counts.push_back(0);
    if (const auto* p = std::get_if<FormProducts>(&step.primitive)) counts.push_back(p->forms.size());
  }
  return counts;
}

struct Net {
  Program program;
  Builder b{program};
  Var x = b.input("x", {2, kSide}, DType::f32);
  Var w = b.constant(numbers({kSide, kSide}, 1));
  std::vector<Tensor> inputs{numbers({2, kSide}, 2)};
};

}  // namespace

TEST_CASE("every form of a weight is read where the weight lies") {
  Net net;
  Builder& b = net.b;
  const Var w = net.w;
  const Var forms[] = {b.max(w, 0.0), b.min(w, 0.0), b.unary(Opcode::relu, w),
                       b.abs(w),      b.mul(w, w),   b.add(w, b.mul(b.max(w, 0.0), 0.25))};
  // Of different inputs, each computed of the one before it: none can be joined.
  Var x = net.x;
  for (const Var form : forms) x = b.mul(b.matmul(x, form, false, true), 1e-6);
  b.output("y", x);
  const Program after = joined(net.program, net.inputs);
  CHECK(products(after) == std::vector<size_t>(std::size(forms), 1));
  for (const Step& step : after.steps) {
    for (const Var v : step.inputs) CHECK((v == w || !after.is_constant(v)));
  }
}

TEST_CASE("products with one weight that do not need one another read it once") {
  Net net;
  Builder& b = net.b;
  const Var bias = b.constant(numbers({kSide}, 3));
  const Var z = b.matmul(net.x, net.w, false, true, bias);  // the model's own
  const Var y = b.unary(Opcode::relu, z);
  const Var plus = b.max(net.w, 0.0), minus = b.min(net.w, 0.0);
  const Var P = b.matmul(net.x, plus, false, true);
  const Var p = b.div(y, P), n = b.div(y, b.sub(z, P));
  b.output("to_positive", b.matmul(p, plus));
  b.output("to_negative", b.matmul(n, minus));
  const Program after = joined(net.program, net.inputs);
  CHECK(products(after) == std::vector<size_t>{2, 2});
  // 2 rows x 1024 x 1024, four products; the weight counts once for two.
  double flops = 0;
  for (const Step& step : after.steps) {
    if (!std::holds_alternative<FormProducts>(step.primitive)) continue;
    const Cost cost = cost_of(after, step, {.real_size = 4});
    flops += cost.flops;
    CHECK(cost.bytes <= 4.0 * (kSide * kSide + 8 * kSide));
  }
  CHECK(flops == 4 * 2.0 * 2 * kSide * kSide);
}

TEST_CASE("what a later product needs is computed in front of the one that it joins") {
  Net net;
  Builder& b = net.b;
  const Var z = b.matmul(net.x, net.w);
  b.output("y", b.exp(b.mul(z, 1e-6)));
  b.output("a", b.matmul(b.abs(net.x), b.abs(net.w)));
  CHECK(products(joined(net.program, net.inputs)) == std::vector<size_t>{2});
}

TEST_CASE("products in two directions, or of which one needs the other, stay apart") {
  Net net;
  Builder& b = net.b;
  const Var plus = b.max(net.w, 0.0);
  const Var y = b.mul(b.matmul(net.x, plus), 1e-6);
  b.output("y", b.matmul(y, plus));
  b.output("back", b.matmul(net.x, plus, false, true));
  CHECK(products(joined(net.program, net.inputs)) == std::vector<size_t>{1, 1, 1});
}

TEST_CASE("many rows, small weights and backends that do not ask are left alone") {
  Net net;
  Builder& b = net.b;
  const Var many = b.input("many", {9, kSide}, DType::f32);
  const Var small = b.constant(numbers({kSide, kSide - 1}, 5));
  b.output("many", b.matmul(many, b.abs(net.w)));
  b.output("small", b.matmul(net.x, b.abs(small)));
  net.inputs.push_back(numbers({9, kSide}, 6));
  CHECK(products(joined(net.program, net.inputs)) == std::vector<size_t>{0, 0});
  b.output("few", b.matmul(net.x, b.abs(net.w)));
  CHECK(products(joined(net.program, net.inputs)) == std::vector<size_t>{0, 0, 1});
  PlanOptions others = kReadsForms;
  others.reads_forms = false;
  CHECK(products(joined(net.program, net.inputs, others)) == std::vector<size_t>{0, 0, 0});
}

TEST_CASE("products of constants are folded as before, and a plan holds the weight alone") {
  Net net;
  Builder& b = net.b;
  const Var ones = b.filled(1, {2, kSide});
  const Var total = b.matmul(ones, b.mul(net.w, net.w));
  const Var P = b.matmul(net.x, b.max(net.w, 0.0)), N = b.matmul(net.x, b.min(net.w, 0.0));
  b.output("y", b.add(total, b.add(P, N)));
  const auto backend = make_onednn_backend(2);
  optimise(net.program, *backend);
  CHECK(products(net.program) == std::vector<size_t>{2});
  const PlanMemory memory = memory_of(make_plan(net.program, backend->plan_options()));
  CHECK(memory.constants <= 4 * (kSide * kSide + 2 * kSide));
}

}  // namespace onnxray
