#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/builder.h"
#include "core/cost.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

Tensor numbers(Shape shape, int64_t seed) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((static_cast<int64_t>(i) * 37 + seed * 11) % 5 - 2);
  return Tensor::of<float>(std::move(shape), values);
}

const PlanOptions kPacks{.packs_weights = true, .unpacked_rows = 8};
const Window kWindow{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};

struct Net {
  Program program;
  Builder b{program};
  Var x = b.input("x", {2, 8, 6, 6}, DType::f32);
  Var w = b.constant(numbers({16, 8, 3, 3}, 1));

  Var zero() { return b.scalar(0); }
  std::vector<Tensor> run(Backend& backend) {
    Program copy = program;
    optimise(copy, backend);
    return backend.compile(make_plan(std::move(copy), backend.plan_options()))
        ->run({{numbers({2, 8, 6, 6}, 2)}});
  }
};

/// The forms of the program's products, once nobody reads the stored ones.
std::vector<WeightForm> forms(Program program, const PlanOptions& options = kPacks) {
  take_weight_forms(program, options);
  eliminate_dead_code(program);
  std::vector<WeightForm> found;
  for (const Step& step : program.steps) {
    CHECK_FALSE(std::holds_alternative<Elementwise>(step.primitive));
    found.push_back(form_of(step.primitive));
  }
  return found;
}

}  // namespace

TEST_CASE("products name the form of a constant that they read, and nobody stores it") {
  using Kind = WeightForm::Kind;
  Net net;
  Builder& b = net.b;
  const Var above = b.binary(Opcode::max, net.w, net.zero());
  const Var y = b.convolution(net.x, above, {}, kWindow, 1);
  b.output("y", y);
  b.output("x", b.convolution_input(y, b.unary(Opcode::abs, net.w), kWindow, 1, {2, 8, 6, 6}));
  CHECK(forms(net.program) == std::vector<WeightForm>{{Kind::positive, 0}, {Kind::magnitude, 0}});
  take_weight_forms(net.program, kPacks);
  for (const Step& step : net.program.steps) {
    if (form_of(step.primitive) != WeightForm{}) CHECK(step.inputs[1] == net.w);
  }
}

TEST_CASE("backends that pack nothing, and products of few rows, keep stored forms") {
  Net net;
  Builder& b = net.b;
  b.output("y", b.convolution(net.x, b.unary(Opcode::abs, net.w), {}, kWindow, 1));
  Program program = net.program;
  take_weight_forms(program, {});
  CHECK(program.to_text() == net.program.to_text());

  Program rows;
  Builder of_rows(rows);
  const Var few = of_rows.input("few", {8, 20}, DType::f32), w = of_rows.constant(numbers({20, 30}, 3));
  of_rows.output("y", of_rows.matmul(few, of_rows.unary(Opcode::abs, w)));
  program = rows;
  take_weight_forms(program, kPacks);
  CHECK(program.to_text() == rows.to_text());
}

TEST_CASE("a plan holds the weight and one packed copy per form, and computes what stored forms do") {
  Net net;
  Builder& b = net.b;
  const Var above = b.binary(Opcode::max, net.w, net.zero()),
            below = b.binary(Opcode::min, net.w, net.zero());
  const Var y = b.convolution(net.x, above, {}, kWindow, 1);
  b.output("P", y);
  b.output("N", b.convolution(net.x, below, {}, kWindow, 1));
  b.output("back", b.convolution_input(y, above, kWindow, 1, {2, 8, 6, 6}));
  const auto onednn = make_onednn_backend(2);
  const auto reference = make_reference_backend(true);
  const std::vector<Tensor> found = net.run(*onednn), expected = net.run(*reference);
  // Whole numbers below 2^24: float sums are exact.
  for (size_t i = 0; i < expected.size(); ++i) CHECK(found[i].to_doubles() == expected[i].to_doubles());
  Program program = net.program;
  optimise(program, *onednn);
  const Plan plan = make_plan(std::move(program), onednn->plan_options());
  CHECK(memory_of(plan).constants == net.program[net.w].constant->byte_size());
}

}  // namespace onnxray
