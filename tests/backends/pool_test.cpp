#include <cmath>
#include <limits>

#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

constexpr double kRounding = 1e-12;  // sums of at most a thousand numbers below 1, in double

Shape pooled_shape(const WindowCase& c) {
  Shape shape{c.x[0], c.x[1]};
  const Shape spatial = window_output(c.window, std::span(c.x).subspan(2));
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

Tensor run(const Primitive& p, std::vector<Tensor> in, Shape out) {
  const auto compiler = make_reference_compiler_f64();
  return run_primitive(*compiler, {"", p, std::move(in), {{std::move(out), DType::f64}}},
                       {.real_size = 8})[0];
}

std::vector<Tensor> max_pool(const Window& window, const Tensor& x, Shape out) {
  const DType winner = element_count(window.kernel) <= 256 ? DType::u8 : DType::i64;
  const auto compiler = make_reference_compiler_f64();
  const PrimitiveCase c{"", MaxPool{window}, {x}, {{out, DType::f64}, {out, winner}}};
  return run_primitive(*compiler, c, {.real_size = 8});
}

}  // namespace

TEST_CASE("the first of equal entries wins a window") {
  const auto y = max_pool({{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}},
                          Tensor::of<double>({1, 1, 2, 4}, {1, 3, 5, 5, 3, 3, 5, 5}), {1, 1, 1, 2});
  CHECK(y[0].to_doubles() == std::vector<double>{3, 5});
  CHECK(y[1].to_int64s() == std::vector<int64_t>{1, 0});
}

TEST_CASE("padding never wins, whatever the entries") {
  const auto y =
      max_pool({{3}, {2}, {1}, {2}, {2}}, Tensor::of<double>({1, 1, 3}, {-5, -INFINITY, -9}), {1, 1, 3});
  CHECK(y[0].to_doubles() == std::vector<double>{-5, -5, -9});
  CHECK(y[1].to_int64s() == std::vector<int64_t>{2, 0, 0});
  const auto only =
      max_pool({{1}, {1}, {1}, {0}, {0}}, Tensor::of<double>({1, 1, 1}, {-INFINITY}), {1, 1, 1});
  CHECK(only[0].as_double(0) == -INFINITY);
}

TEST_CASE("a window of padding alone yields the lowest float and passes nothing on") {
  const Window window{{1}, {1}, {1}, {1}, {0}};
  const auto y = max_pool(window, Tensor::of<double>({1, 1, 1}, {7}), {1, 1, 2});
  CHECK(y[0].to_doubles() == std::vector<double>{std::numeric_limits<float>::lowest(), 7});
  const Tensor x =
      run(MaxPoolScatter{window, {1, 1, 1}}, {Tensor::of<double>({1, 1, 2}, {10, 1}), y[1]}, {1, 1, 1});
  CHECK(x.to_doubles() == std::vector<double>{1});
}

TEST_CASE("NaN wins a window") {
  const auto y =
      max_pool({{3}, {1}, {1}, {0}, {0}}, Tensor::of<double>({1, 1, 3}, {9, NAN, INFINITY}), {1, 1, 1});
  CHECK(std::isnan(y[0].as_double(0)));
  CHECK(y[1].as_int64(0) == 1);
}

TEST_CASE("gathering the winners gives the maxima") {
  for (const WindowCase& c : pool_windows()) {
    if (c.name == "2-D windows that hold only padding") continue;
    INFO(c.name);
    const Tensor x = random_tensor(c.x, 1);
    const auto y = max_pool(c.window, x, pooled_shape(c));
    CHECK(distance(run(MaxPoolGather{c.window}, {x, y[1]}, y[0].shape()), y[0]) == 0);
  }
}

TEST_CASE("max_pool_scatter is the adjoint of max_pool_gather") {
  for (const WindowCase& c : pool_windows()) {
    INFO(c.name);
    const Tensor x = random_tensor(c.x, 1), g = random_tensor(pooled_shape(c), 2);
    const Tensor winner = max_pool(c.window, x, g.shape())[1];
    const Tensor y = run(MaxPoolGather{c.window}, {x, winner}, g.shape());
    const Tensor back = run(MaxPoolScatter{c.window, c.x}, {g, winner}, c.x);
    CHECK(dot(y, g) == Approx(dot(x, back)).epsilon(kRounding).margin(kRounding));
  }
}

TEST_CASE("sum_pool_input is the adjoint of sum_pool") {
  for (const WindowCase& c : pool_windows()) {
    INFO(c.name);
    const Tensor x = random_tensor(c.x, 1), g = random_tensor(pooled_shape(c), 2);
    const Tensor y = run(SumPool{c.window}, {x}, g.shape());
    const Tensor back = run(SumPoolInput{c.window, c.x}, {g}, c.x);
    CHECK(dot(y, g) == Approx(dot(x, back)).epsilon(kRounding).margin(kRounding));
  }
}

TEST_CASE("a sum pool of ones counts the real entries of each window") {
  const Tensor y =
      run(SumPool{{{3}, {1}, {1}, {1}, {1}}}, {Tensor::filled(DType::f64, {1, 1, 4}, 1)}, {1, 1, 4});
  CHECK(y.to_doubles() == std::vector<double>{2, 3, 3, 2});
}

}  // namespace onnxray::test
