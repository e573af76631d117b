#include <omp.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/optimise/optimise.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"
#include "tests/support/with_options.h"

// A NaN stays one in every pair of steps that a backend runs as one, whichever kernel it takes.

namespace onnxray::test {

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Of the largest entry: sums of at most 300 terms, in another order.
constexpr double kRounding = 2e-6;

Tensor weights(Shape shape, uint64_t seed) { return random_tensor(std::move(shape), seed, 0.2); }

Tensor with(Tensor t, int64_t place, float value) {
  t.mutable_data<float>()[static_cast<size_t>(place)] = value;
  return t;
}

int64_t count_nan(const Tensor& t) {
  return std::ranges::count_if(t.data<float>(), [](float v) { return std::isnan(v); });
}

Tensor run(Executable& executable, const std::vector<Tensor>& inputs) {
  return executable.run(inputs)[0].to(DType::f32);
}

using End = std::function<Var(Builder&, Var z, Var r)>;

const std::vector<std::pair<const char*, End>> kEnds{
    {"relu(z)", [](Builder& b, Var z, Var) { return b.unary(Opcode::relu, z); }},
    {"max(0, z)", [](Builder& b, Var z, Var) { return b.max(0.0, z); }},
    {"clip(z, 0, 2)", [](Builder& b, Var z, Var) { return b.clip(z, b.scalar(0), b.scalar(2)); }},
    {"relu(z + r)", [](Builder& b, Var z, Var r) { return b.unary(Opcode::relu, b.add(z, r)); }},
    {"clip(r + z, 0, 2)",
     [](Builder& b, Var z, Var r) { return b.clip(b.add(r, z), b.scalar(0), b.scalar(2)); }},
};

/// y = end(convolution of x or its adjoint, r) for inputs x and r.
Program pair(const WindowCase& w, const End& end, bool adjoint) {
  Program program;
  Builder b(program);
  const Shape x_shape = adjoint ? result_shape(w) : w.x, y_shape = adjoint ? w.x : result_shape(w);
  const Var x = b.input("x", x_shape, DType::f32), weight = b.constant(weights(weight_shape(w), 2));
  const Var z = adjoint ? b.convolution_input(x, weight, w.window, w.groups, w.x)
                        : b.convolution(x, weight, b.constant(weights({w.channels}, 3)), w.window, w.groups);
  // Not the input itself, so that the sum may be made where it lies.
  b.output("y", end(b, z, b.neg(b.input("r", y_shape, DType::f32))));
  fuse_elementwise(program);
  return program;
}

/// Both backends' results for one entry of x that is `value`, then for clean inputs, then for a NaN in r.
void check_pair(Backend& fast, const Program& program) {
  const auto exact_backend = make_reference_backend(false);
  const auto got = fast.compile(make_plan(program, fast.plan_options())),
             exact = exact_backend->compile(make_plan(program, exact_backend->plan_options()));
  const Tensor x = random_tensor(program[program.inputs[0].var].shape, 5),
               r = random_tensor(program[program.inputs[1].var].shape, 6);
  const auto check = [&](const std::vector<Tensor>& inputs) {
    const Tensor expected = run(*exact, inputs), found = run(*got, inputs);
    CHECK(count_nan(found) == count_nan(expected));
    CHECK(distance(found, expected) < kRounding);
  };
  check({x, r});
  check({with(x, x.size() / 2, kNaN), r});
  check({x, r});
  check({x, with(r, r.size() / 3, kNaN)});
}

std::vector<WindowCase> windows() {
  std::vector<WindowCase> all = convolution_windows();
  all.push_back({"1x1, many channels", {2, 32, 7, 7}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 64, 1});
  all.push_back({"depthwise", {1, 32, 9, 9}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 32, 32});
  all.push_back({"3x3, many channels", {1, 32, 9, 9}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 32, 1});
  // Enough work for every thread.
  all.push_back({"3x3, many places", {1, 16, 40, 40}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 16, 1});
  return all;
}

}  // namespace

TEST_CASE("one NaN gives as many behind a convolution and what cuts it off as separate steps give") {
  for (const int threads : {1, 2, 3}) {
    for (const bool channels_last : {true, false}) {
      WithOptions fast(make_onednn_backend(threads),
                       [&](PlanOptions& options) { options.channels_last = channels_last; });
      for (const WindowCase& w : windows()) {
        for (const auto& [name, end] : kEnds) {
          for (const bool adjoint : {false, true}) {
            INFO(w.name << ", " << name << (adjoint ? ", adjoint, " : ", ") << threads << " threads"
                        << (channels_last ? ", channels last" : ""));
            check_pair(fast, pair(w, end, adjoint));
          }
        }
      }
    }
  }
}

TEST_CASE("a NaN that a sum makes of infinities is not cut off") {
  const WindowCase w{"1x1", {1, 2, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 1, 1};
  Program program;
  Builder b(program);
  const Var z = b.convolution(b.input("x", w.x, DType::f32),
                              b.constant(Tensor::of<float>({1, 2, 1, 1}, {1, -1})), {}, w.window, 1);
  b.output("y", b.unary(Opcode::relu, z));
  const auto backend = make_onednn_backend(1);
  const auto executable = backend->compile(make_plan(program, backend->plan_options()));
  Tensor x = with(with(random_tensor(w.x, 1), 4, kInfinity), 13, kInfinity);
  CHECK(count_nan(run(*executable, {x})) == 1);
  // The smaller infinity is a number to a Relu.
  x = with(with(random_tensor(w.x, 1), 4, -kInfinity), 5, kInfinity);
  const Tensor y = run(*executable, {x});
  CHECK(count_nan(y) == 0);
  CHECK(y.data<float>()[4] == 0);
  CHECK(y.data<float>()[5] == kInfinity);
}

TEST_CASE("a loop that meets a NaN in one trip keeps it") {
  const WindowCase w{"1x1", {2, 32, 7, 7}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 64, 1};
  Program program;
  Builder b(program);
  const Var x = b.input("x", w.x, DType::f32), weight = b.constant(weights(weight_shape(w), 1));
  program.trips = 3;
  b.set_block(Block::repeat);
  const Var current = program.add_variable(result_shape(w), DType::f32);
  // 0 / 0 in the second trip.
  const Var trip = b.sub(b.cast(b.step_index(), DType::f32), 1.0);
  const Var z = b.convolution(b.mul(x, b.div(trip, trip)), weight, {}, w.window, 1);
  program.loop.push_back({b.filled(0, result_shape(w)), current, b.add(current, b.unary(Opcode::relu, z))});
  b.set_block(Block::finish);
  b.output("y", b.neg(current));
  for (const int threads : {1, 2}) {
    const auto backend = make_onednn_backend(threads);
    const auto executable = backend->compile(make_plan(program, backend->plan_options()));
    const Tensor y = run(*executable, {random_tensor(w.x, 4)});
    CHECK(count_nan(y) == y.size());
  }
}

TEST_CASE("kernels of ours leave the processor's invalid flag alone") {
  // 0 / 0 behind a select, as rules guard their denominators with it: nothing is run twice for that.
  Program program;
  Builder b(program);
  const Var x = b.input("x", {64, 4096}, DType::f32);
  const Var safe = b.select(b.equal(x, 0.0), b.scalar(0), b.div(b.scalar(0), x));
  const WindowCase w{"1x1", {1, 64, 64, 64}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 8, 1};
  const Var z = b.convolution(b.reshape(safe, w.x), b.constant(weights(weight_shape(w), 1)), {}, w.window, 1);
  const Var y = b.unary(Opcode::relu, z);
  program.trips = 2;
  b.set_block(Block::repeat);
  const Var current = program.add_variable({}, DType::f32);
  program.loop.push_back({b.scalar(0), current, b.add(current, 1.0)});
  b.set_block(Block::finish);
  b.output("y", y);
  b.output("trips", current);
  for (const int threads : {1, 2, 3}) {
    int64_t trips = 0;
    const auto backend = make_onednn_backend(threads);
    const auto executable = backend->compile(make_plan(program, backend->plan_options()));
    executable->run(std::vector{Tensor(DType::f32, {64, 4096})}, [&](int64_t, int64_t) { ++trips; });
    CHECK(trips == 2);
  }
}

TEST_CASE("Winograd's filtering and terms parted by sign lose no NaN of the convolution") {
  const auto fast = make_onednn_compiler(), exact = make_reference_compiler_f32();
  const Expression relu{Expression::Domain::real, {{Opcode::relu, {Source::Kind::input}, {}, {}}}, {0}};
  const Window window{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  const Shape shape{1, 32, 13, 14};
  const std::vector<Tensor> in{with(random_tensor(shape, 1), 3 * 13 * 14 + 90, kNaN),
                               weights({16, 32, 3, 3}, 2), weights({16}, 3)};
  const Result result{{1, 16, 13, 14}, DType::f32};
  const auto check = [&](const Primitive& p, const std::vector<Result>& results, bool spreads) {
    const RunOptions options{.lay = Lay::channels_last, .constants = true, .epilogue = &relu};
    const Tensor expected =
        run_primitive(*exact, {"", Convolution{window, 1}, in, {result}}, {.lay = Lay::channels_last})[0];
    const Tensor found = run_primitive(*fast, {"", p, in, results}, options)[0];
    CHECK(count_nan(expected) == 9 * 16);
    // A tile of 4 x 4 results shares its data.
    CHECK(count_nan(found) >= count_nan(expected));
    if (!spreads) CHECK(count_nan(found) == count_nan(expected));
    for (int64_t i = 0; i < found.size(); ++i) {
      const auto at = static_cast<size_t>(i);
      if (std::isnan(expected.data<float>()[at])) CHECK(std::isnan(found.data<float>()[at]));
    }
  };
  check(Convolution{window, 1, true}, {result}, true);
  check(SplitConvolution{window, {WeightForm::Kind::positive, 0}}, {result, result}, false);
}

}  // namespace onnxray::test
