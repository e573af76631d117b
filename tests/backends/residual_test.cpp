#include <algorithm>
#include <functional>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/optimise/optimise.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

// Residual sums that convolutions do on oneDNN (core/epilogue.h), beside separate steps.

namespace onnxray::test {

namespace {

/// Of the largest entry: sums of at most 300 terms, in another order.
constexpr double kRounding = 2e-6;

Tensor weights(Shape shape, uint64_t seed) { return random_tensor(std::move(shape), seed, 0.2); }

/// y = end(convolution of -x, summand), where the summand is a convolution of x; of adjoints of convolutions
/// where wanted.
struct Residual {
  WindowCase window;
  std::function<Var(Builder&, Var, Var)> end;
  bool adjoint = false;

  Program program() const {
    Program program;
    Builder b(program);
    const Var x = b.input("x", adjoint ? result_shape(window) : window.x, DType::f32);
    const Var r = convolution(b, x, 1), z = convolution(b, b.neg(x), 2);
    b.output("y", end(b, z, r));
    fuse_elementwise(program);
    return program;
  }

 private:
  Var convolution(Builder& b, Var x, uint64_t seed) const {
    const Tensor w = weights(weight_shape(window), seed);
    if (adjoint) return b.convolution_input(x, b.constant(w), window.window, window.groups, window.x);
    return b.convolution(x, b.constant(w), b.constant(weights({window.channels}, seed + 5)), window.window,
                         window.groups);
  }
};

/// The result of a program on a backend, and how many elementwise steps it took.
struct Outcome {
  Tensor y;
  int64_t elementwise;
};

Outcome run(Backend& backend, const Program& program) {
  const Tensor x = random_tensor(program[program.inputs[0].var].shape, 9);
  const auto executable = backend.compile(make_plan(program, backend.plan_options()));
  const StepTimes steps = executable->profile(std::vector{x});
  return {executable->run(std::vector{x})[0], std::ranges::count_if(steps, [](const StepTime& step) {
            return step.step.starts_with("elementwise");
          })};
}

Var relu(Builder& b, Var x) { return b.unary(Opcode::relu, x); }

const WindowCase kOneByOne{"usual 1x1", {2, 32, 7, 7}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 64, 1};
const WindowCase kDepthwise{
    "usual depthwise", {1, 32, 9, 9}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 32, 32};
const WindowCase kThreeByThree{"usual 3x3", {1, 32, 9, 9}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 32, 1};

}  // namespace

TEST_CASE("a convolution that adds its residual operand gives what separate steps give") {
  const auto fast = make_onednn_backend(2), exact = make_reference_backend(true);
  const std::pair<const char*, std::function<Var(Builder&, Var, Var)>> ends[] = {
      {"z + r", [](Builder& b, Var z, Var r) { return b.add(z, r); }},
      {"r + z", [](Builder& b, Var z, Var r) { return b.add(r, z); }},
      {"relu(z + r)", [](Builder& b, Var z, Var r) { return relu(b, b.add(z, r)); }},
      {"max(0, r + z)", [](Builder& b, Var z, Var r) { return b.max(0.0, b.add(r, z)); }},
      // Sums reach 5, and their rounding is not cut off.
      {"clip(z + r, 0, 2)",
       [](Builder& b, Var z, Var r) { return b.clip(b.add(z, r), b.scalar(0), b.scalar(2)); }},
  };
  std::vector<WindowCase> windows = convolution_windows();
  windows.insert(windows.end(), {kOneByOne, kDepthwise, kThreeByThree});
  for (const WindowCase& window : windows) {
    const bool is_usual = window.name.starts_with("usual");  // oneDNN may do others by other kernels
    for (const auto& [name, end] : ends) {
      INFO(window.name << ", " << name);
      const Program program = Residual{window, end}.program();
      const Outcome got = run(*fast, program), expected = run(*exact, program);
      CHECK(distance(got.y, expected.y) < kRounding);
      CHECK(expected.elementwise == 2);  // the negation, and the sum with what cuts it off
      if (is_usual) CHECK(got.elementwise == 1);
    }
  }
}

TEST_CASE("an adjoint of stride 1 is added to a gradient where it lies, any other by a step") {
  const auto fast = make_onednn_backend(2), exact = make_reference_backend(true);
  const auto sum = [](Builder& b, Var z, Var r) { return b.add(z, r); };
  std::vector<WindowCase> windows = convolution_windows();
  windows.insert(windows.end(), {kOneByOne, kDepthwise, kThreeByThree});
  WindowCase strided = kThreeByThree;
  strided.name = "strided";
  strided.window.strides = {2, 2};
  windows.push_back(strided);
  for (const WindowCase& window : windows) {
    INFO(window.name);
    const Program program = Residual{window, sum, true}.program();
    const Outcome got = run(*fast, program), expected = run(*exact, program);
    CHECK(distance(got.y, expected.y) < kRounding);
    if (window.name.starts_with("usual")) CHECK(got.elementwise == 1);
    if (window.name == "strided") CHECK(got.elementwise == 2);
  }
}

TEST_CASE("what oneDNN's convolutions cannot do stays a step behind them") {
  const auto fast = make_onednn_backend(2), exact = make_reference_backend(true);
  const std::pair<const char*, std::function<Var(Builder&, Var, Var)>> ends[] = {
      {"z - r", [](Builder& b, Var z, Var r) { return b.sub(z, r); }},
      {"z * r", [](Builder& b, Var z, Var r) { return b.mul(z, r); }},
      {"z + z", [](Builder& b, Var z, Var) { return b.add(z, z); }},
      {"relu(z) + r", [](Builder& b, Var z, Var r) { return b.add(relu(b, z), r); }},
      {"clip(z + r, -1, 1)",
       [](Builder& b, Var z, Var r) { return b.clip(b.add(z, r), b.scalar(-1), b.scalar(1)); }},
      {"exp(relu(z + r))", [](Builder& b, Var z, Var r) { return b.exp(relu(b, b.add(z, r))); }},
      {"(z + r) * r", [](Builder& b, Var z, Var r) { return b.mul(b.add(z, r), r); }},
  };
  for (const auto& [name, end] : ends) {
    INFO(name);
    const Program program = Residual{kOneByOne, end}.program();
    const Outcome got = run(*fast, program), expected = run(*exact, program);
    CHECK(distance(got.y, expected.y) < kRounding);
    CHECK(got.elementwise == expected.elementwise);
  }
}

TEST_CASE("a convolution by Winograd's filtering leaves the sum to a step") {
  const auto compiler = make_onednn_compiler();
  const Shape x{1, 16, 8, 8};
  const Tensor w = weights({16, 16, 3, 3}, 1);
  const Operand data{x, channels_last_strides(x), DType::f32, nullptr};
  const std::vector<Operand> in{data, {w.shape(), row_major_strides(w.shape()), DType::f32, w.bytes()}};
  const Source z{Source::Kind::input, 0, 0}, r{Source::Kind::input, 1, 0};
  const Expression sum{Expression::Domain::real, {{Opcode::add, z, r, {}}}, {0}};
  const auto compile = [&](bool winograd) {
    return compiler->compile_with_epilogue(Convolution{kThreeByThree.window, 1, winograd}, sum, in,
                                           std::vector{data});
  };
  CHECK(compile(false));
  CHECK_FALSE(compile(true));
}

TEST_CASE("residual blocks run no elementwise step") {
  Program program;
  Builder b(program);
  uint64_t seed = 0;
  const auto convolution = [&](Var x, int64_t channels, int64_t size, int64_t stride) {
    const Window window{{size, size}, {stride, stride}, {1, 1}, {size / 2, size / 2}, {size / 2, size / 2}};
    const Tensor w = weights({channels, program[x].shape[1], size, size}, ++seed);
    return b.convolution(x, b.constant(w), b.constant(weights({channels}, ++seed)), window, 1);
  };
  const auto block = [&](Var x, int64_t channels, int64_t stride) {
    const Var a = relu(b, convolution(x, channels / 4, 1, 1));
    const Var z = convolution(relu(b, convolution(a, channels / 4, 3, stride)), channels, 1, 1);
    const bool changes = stride > 1 || program[x].shape[1] != channels;
    return relu(b, b.add(z, changes ? convolution(x, channels, 1, stride) : x));
  };
  Var x = relu(b, convolution(b.input("x", {2, 3, 16, 16}, DType::f32), 16, 3, 1));
  for (const int64_t stride : {1, 1, 2, 1}) x = block(x, stride == 2 ? 128 : 64, stride);
  // Linear bottlenecks, as in MobileNetV2.
  for (int i = 0; i < 2; ++i)
    x = b.add(x, convolution(relu(b, convolution(x, 192, 1, 1)), program[x].shape[1], 1, 1));
  b.output("y", x);
  fuse_elementwise(program);
  const Outcome got = run(*make_onednn_backend(2), program),
                expected = run(*make_reference_backend(true), program);
  CHECK(got.elementwise == 0);
  CHECK(expected.elementwise == 17);
  CHECK(distance(got.y, expected.y) < kRounding);
}

TEST_CASE("a loop adds its convolutions to the sum of the trips before") {
  Program program;
  Builder b(program);
  const Shape shape = {2, 64, 7, 7};
  const Var x = b.input("x", {2, 32, 7, 7}, DType::f32);
  const Var w = b.constant(weights({64, 32, 1, 1}, 1));
  program.trips = 4;
  b.set_block(Block::repeat);
  const Var current = program.add_variable(shape, DType::f32);
  const Var z = b.convolution(b.mul(x, b.cast(b.step_index(), DType::f32)), w, {}, kOneByOne.window, 1);
  program.loop.push_back({b.filled(0, shape), current, b.add(current, z)});
  b.set_block(Block::finish);
  b.output("y", b.neg(current));
  const Outcome got = run(*make_onednn_backend(2), program),
                expected = run(*make_reference_backend(true), program);
  CHECK(distance(got.y, expected.y) < kRounding);
  CHECK(got.elementwise == expected.elementwise - 1);
}

}  // namespace onnxray::test
