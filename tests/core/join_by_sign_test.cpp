#include <algorithm>

#include "backends/reference/reference.h"
#include "core/builder.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

const PlanOptions kSplits{.packs_weights = true, .splits_weights = true};
const Window kWindow{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
const Shape kX{2, 32, 6, 5};

Tensor numbers(Shape shape, int64_t seed) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((static_cast<int64_t>(i) * 37 + seed * 11) % 7 - 3);
  return Tensor::of<float>(std::move(shape), values);
}

struct Net {
  Program program;
  Builder b{program};
  Var x = b.input("x", kX, DType::f32);
  Var w = b.constant(numbers({48, 32, 3, 3}, 1)), bias = b.constant(numbers({48}, 2));
  Var above = b.max(w, 0.0), below = b.min(w, 0.0);

  Var convolution(Var v, Var by, Var with = {}) { return b.convolution(v, by, with, kWindow, 1); }
  Var adjoint(Var g, Var by) { return b.convolution_input(g, by, kWindow, 1, kX); }
};

std::vector<Tensor> run(const Program& program) {
  const auto reference = make_reference_backend(true);
  PlanOptions options = reference->plan_options();
  options.packs_weights = true;  // the reference's split convolutions take forms; others are not left here
  return reference->compile(make_plan(program, options))->run({{numbers(kX, 3)}});
}

/// The program with forms taken and joined.
Program joined(Program program, const PlanOptions& options = kSplits) {
  take_weight_forms(program, options);
  join_by_sign(program, options);
  eliminate_dead_code(program);
  return program;
}

std::vector<std::string> products(const Program& program) {
  std::vector<std::string> names;
  for (const Step& step : program.steps) {
    if (!std::holds_alternative<Elementwise>(step.primitive)) names.emplace_back(name_of(step.primitive));
  }
  return names;
}

using Names = std::vector<std::string>;

int64_t count_primitive(const Program& program, const std::string& name) {
  return std::ranges::count(products(program), name);
}

}  // namespace

TEST_CASE("a convolution and that under a form of its weights are one step") {
  for (const bool whole_first : {true, false}) {
    Net net;
    Var y, p;
    if (whole_first) y = net.convolution(net.x, net.w, net.bias);
    p = net.convolution(net.x, net.above);
    if (!whole_first) y = net.convolution(net.x, net.w, net.bias);
    net.b.output("y", y);
    net.b.output("p", p);
    const Program after = joined(net.program);
    CHECK(products(after) == Names{"split_convolution"});
    CHECK(after.steps[0].inputs == std::vector{net.x, net.w, net.bias});
    CHECK(after.steps[0].outputs == std::vector{y, p});
    const std::vector<Tensor> before = run(net.program), now = run(after);
    for (size_t i = 0; i < before.size(); ++i) CHECK(before[i].to_doubles() == now[i].to_doubles());
  }
}

TEST_CASE("every form that the signs tell apart is joined, squares are not") {
  Net net;
  const Var forms[] = {net.above, net.below, net.b.abs(net.w), net.b.add(net.w, net.b.mul(net.above, 0.25))};
  for (const Var form : forms) {
    Net one = net;
    Builder b(one.program);
    b.output("y", b.convolution(one.x, one.w, {}, kWindow, 1));
    b.output("p", b.convolution(one.x, form, {}, kWindow, 1));
    CHECK(products(joined(one.program)) == Names{"split_convolution"});
  }
  net.b.output("y", net.convolution(net.x, net.w));
  net.b.output("p", net.convolution(net.x, net.b.mul(net.w, net.w)));
  CHECK(products(joined(net.program)) == Names{"convolution", "convolution"});
}

TEST_CASE("convolutions of other tensors, windows or blocks, and with a bias under the form, stay apart") {
  const auto stays = [](const auto& emit_second) {
    Net net;
    net.b.output("y", net.convolution(net.x, net.w, net.bias));
    net.b.output("p", emit_second(net));
    return products(joined(net.program)) == Names{"convolution", "convolution"};
  };
  CHECK(stays([](Net& net) { return net.convolution(net.b.abs(net.x), net.above); }));
  CHECK(stays([](Net& net) { return net.convolution(net.x, net.above, net.bias); }));
  CHECK(stays([](Net& net) {
    return net.b.convolution(net.x, net.above, {}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, 1);
  }));
  CHECK(stays([](Net& net) {
    net.b.set_block(Block::finish);
    return net.convolution(net.x, net.above);
  }));
}

TEST_CASE("a bias that is computed between both is waited for") {
  for (const bool whole_first : {true, false}) {
    Net net;
    Var y, p;
    if (!whole_first) p = net.convolution(net.x, net.above);
    const Var bias =
        net.b.reshape(net.b.sum(net.b.slice(net.x, {0, 0, 0, 0}, {1, 1, 1, 1}, {1, 2, 6, 4}), {0}), {48});
    y = net.convolution(net.x, net.w, bias);
    if (whole_first) p = net.convolution(net.x, net.above);
    net.b.output("y", y);
    net.b.output("p", p);
    const Program after = joined(net.program);
    CHECK(count_primitive(after, "split_convolution") == (whole_first ? 1 : 0));
    CHECK(run(net.program)[0].to_doubles() == run(after)[0].to_doubles());
  }
}

TEST_CASE("few terms, few places, odd channels, groups and backends that do not split are left alone") {
  const auto is_joined = [](const Shape& shape, int64_t groups, const PlanOptions& options = kSplits) {
    Program program;
    Builder b(program);
    const Window window{{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
    const Var x = b.input("x", shape, DType::f32), w = b.constant(numbers({48, shape[1] / groups, 1, 1}, 1));
    b.output("y", b.convolution(x, w, {}, window, groups));
    b.output("p", b.convolution(x, b.max(w, 0.0), {}, window, groups));
    return products(joined(program, options)) == Names{"split_convolution"};
  };
  CHECK(is_joined({2, 64, 4, 4}, 1));
  CHECK_FALSE(is_joined({2, 16, 4, 4}, 1));
  CHECK_FALSE(is_joined({2, 64, 1, 1}, 1));
  CHECK_FALSE(is_joined({2, 72, 4, 4}, 1));
  CHECK_FALSE(is_joined({2, 64, 4, 4}, 2));
  CHECK_FALSE(is_joined({2, 64, 4, 4}, 1, {.packs_weights = true}));
}

TEST_CASE("adjoints under both signs that are only added are one step") {
  for (const bool in_order : {true, false}) {
    Net net;
    const Var g = net.convolution(net.x, net.w);
    const Var p = net.b.mul(g, 2.0), n = net.b.mul(g, -3.0);
    const Var to_positive = net.adjoint(p, net.above), to_negative = net.adjoint(n, net.below);
    net.b.output("r", in_order ? net.b.add(to_positive, to_negative) : net.b.add(to_negative, to_positive));
    const Program after = joined(net.program);
    CHECK(products(after) == Names{"convolution", "split_convolution_input"});
    CHECK(after.steps.back().inputs == std::vector{p, n, net.w});
    CHECK(run(net.program)[0].to_doubles() == run(after)[0].to_doubles());
  }
}

TEST_CASE("adjoints that others read too, of one sign, or of a stride stay apart") {
  const auto products_of = [](const auto& emit) {
    Net net;
    emit(net, net.convolution(net.x, net.w));
    return products(joined(net.program)).size();
  };
  CHECK(products_of([](Net& net, Var g) {
          const Var a = net.adjoint(g, net.above);
          net.b.output("a", a);
          net.b.output("r", net.b.add(a, net.adjoint(g, net.below)));
        }) == 3);
  CHECK(products_of([](Net& net, Var g) {
          net.b.output("r", net.b.add(net.adjoint(g, net.above), net.adjoint(net.b.abs(g), net.above)));
        }) == 3);
  CHECK(products_of([](Net& net, Var g) {
          const Window strided{{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}};
          const Var half = net.b.slice(g, {0, 0, 0, 0}, {1, 1, 2, 2}, {2, 48, 3, 3});
          const auto back = [&](Var by) { return net.b.convolution_input(half, by, strided, 1, kX); };
          net.b.output("r", net.b.add(back(net.above), back(net.below)));
        }) == 4);
}

TEST_CASE("taken apart again, a form that a later block reads is computed in its own") {
  Net net;
  net.b.output("y", net.convolution(net.x, net.w));
  const Var p = net.convolution(net.x, net.above);
  net.b.set_block(Block::finish);
  net.b.output("r", net.b.exp(net.b.mul(p, 1e-3)));
  Program after = joined(net.program);
  part_by_sign(after);
  CHECK(products(after) == Names(2, "convolution"));
  CHECK(std::ranges::is_sorted(after.steps, {}, &Step::block));
}

TEST_CASE("taken apart again, the form is computed where it is first read") {
  Net net;
  const Var y = net.convolution(net.x, net.w, net.bias), p = net.convolution(net.x, net.above);
  const Var later = net.b.exp(net.b.mul(y, 1e-3));
  net.b.output("r", net.b.div(later, p));
  Program after = joined(net.program);
  const std::vector<Tensor> before = run(after);
  part_by_sign(after);
  CHECK(products(after) == Names(2, "convolution"));
  CHECK(after.steps[0].outputs == std::vector{y});
  CHECK(after.steps[after.steps.size() - 2].outputs == std::vector{p});
  CHECK(form_of(after.steps[after.steps.size() - 2].primitive).kind == WeightForm::Kind::positive);
  CHECK(after.steps[0].inputs.size() == 3);
}

}  // namespace onnxray
