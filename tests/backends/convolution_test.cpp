#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

// Sums of at most a thousand products of numbers below 1, in double.
constexpr double kRounding = 1e-12;

struct Operands {
  explicit Operands(const WindowCase& c)
      : x(random_tensor(c.x, 1)),
        w(random_tensor(weight_shape(c), 2)),
        g(random_tensor(result_shape(c), 3)) {}
  Tensor x, w, g;
};

Tensor run(const Primitive& p, std::vector<Tensor> in, Shape out) {
  const auto compiler = make_reference_compiler_f64();
  return run_primitive(*compiler, {"", p, std::move(in), {{std::move(out), DType::f64}}},
                       {.real_size = 8})[0];
}

}  // namespace

TEST_CASE("a convolution slides its kernel without flipping it") {
  const Window window{{2}, {1}, {1}, {1}, {0}};
  const Tensor x = Tensor::of<double>({1, 1, 3}, {1, 2, 3}), w = Tensor::of<double>({1, 1, 2}, {10, 1});
  const Tensor b = Tensor::of<double>({1}, {100});
  const Tensor y = run(Convolution{window, 1}, {x, w, b}, {1, 1, 3});
  CHECK(y.to_doubles() == std::vector<double>{101, 112, 123});
}

TEST_CASE("groups read only their own channels") {
  const Window window{{1}, {1}, {1}, {0}, {0}};
  const Tensor x = Tensor::of<double>({1, 4, 1}, {1, 2, 3, 4}),
               w = Tensor::of<double>({2, 2, 1}, {1, 10, 1, 10});
  CHECK(run(Convolution{window, 2}, {x, w}, {1, 2, 1}).to_doubles() == std::vector<double>{21, 43});
}

TEST_CASE("convolution_input is the adjoint of a convolution in its data") {
  for (const WindowCase& c : convolution_windows()) {
    INFO(c.name);
    const Operands o(c);
    const Tensor y = run(Convolution{c.window, c.groups}, {o.x, o.w}, o.g.shape());
    const Tensor back = run(ConvolutionInput{c.window, c.groups, c.x}, {o.g, o.w}, c.x);
    CHECK(dot(y, o.g) == Approx(dot(o.x, back)).epsilon(kRounding).margin(kRounding));
  }
}

TEST_CASE("convolution_weight is the adjoint of a convolution in its weight") {
  for (const WindowCase& c : convolution_windows()) {
    INFO(c.name);
    const Operands o(c);
    const Tensor y = run(Convolution{c.window, c.groups}, {o.x, o.w}, o.g.shape());
    const Tensor back = run(ConvolutionWeight{c.window, c.groups, o.w.shape()}, {o.x, o.g}, o.w.shape());
    CHECK(dot(y, o.g) == Approx(dot(o.w, back)).epsilon(kRounding).margin(kRounding));
  }
}

TEST_CASE("a convolution of integers is exact and wraps to its type") {
  const Window window{{2}, {1}, {1}, {0}, {0}};
  const Tensor x = Tensor::of<int8_t>({1, 1, 2}, {100, 100}), w = Tensor::of<int8_t>({1, 1, 2}, {1, 1});
  const auto compiler = make_reference_compiler_f32();
  const auto y = run_primitive(*compiler, {"", Convolution{window, 1}, {x, w}, {{{1, 1, 1}, DType::i8}}});
  CHECK(y[0].as_int64(0) == -56);
}

}  // namespace onnxray::test
