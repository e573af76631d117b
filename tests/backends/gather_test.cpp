#include "backends/reference/reference.h"
#include "core/error.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

Tensor run(std::vector<Tensor> in, const std::function<void(Builder&, const std::vector<Var>&)>& emit) {
  const auto compiler = make_reference_compiler_f64();
  return run_primitive(*compiler, make_case("", std::move(in), emit), {.real_size = 8})[0];
}

using Reals = std::vector<double>;

}  // namespace

TEST_CASE("gather picks slices, and negative indices count from the end") {
  const Tensor x = Tensor::of<double>({3, 2}, {1, 2, 3, 4, 5, 6}), index = Tensor::of<int64_t>({2}, {-1, 0});
  CHECK(run({x, index}, [](Builder& b, const auto& v) { b.gather(v[0], v[1], 0); }).to_doubles() ==
        Reals{5, 6, 1, 2});
  CHECK(run({x, index}, [](Builder& b, const auto& v) { b.gather(v[0], v[1], 1); }).to_doubles() ==
        Reals{2, 1, 4, 3, 6, 5});
}

TEST_CASE("gather_adjoint is the adjoint of gather, repeated indices included") {
  const Tensor x = random_tensor({3, 5, 4}, 1);
  for (const int64_t axis : {0, 1, 2}) {
    const int64_t extent = x.shape()[static_cast<size_t>(axis)];
    const Tensor index = random_integers({2, 6}, 2, -extent, extent);
    const auto gather = [&](Builder& b, const auto& v) { b.gather(v[0], v[1], axis); };
    const Tensor y = run({x, index}, gather), g = random_tensor(y.shape(), 3);
    const Tensor back =
        run({g, index}, [&](Builder& b, const auto& v) { b.gather_adjoint(v[0], v[1], axis, extent); });
    REQUIRE(back.shape() == x.shape());
    CHECK(dot(y, g) == Approx(dot(x, back)).epsilon(1e-13));  // at most 240 products in double
  }
}

TEST_CASE("scattering sums is the adjoint of gather_elements") {
  const Tensor x = random_tensor({4, 5}, 1), index = random_integers({3, 5}, 2, -4, 4),
               g = random_tensor({3, 5}, 3);
  const Tensor y = run({x, index}, [](Builder& b, const auto& v) { b.gather_elements(v[0], v[1], 0); });
  const Tensor zero(DType::f32, {4, 5});
  const Tensor back = run({zero, index, g}, [](Builder& b, const auto& v) {
    b.scatter_elements(ScatterElements::Kind::add, v[0], v[1], v[2], 0);
  });
  CHECK(dot(y, g) == Approx(dot(x, back)).epsilon(1e-14));  // 15 products
}

TEST_CASE("updates are scattered in row-major order of the index") {
  const Tensor x = Tensor::of<double>({3}, {1, 2, 3}), index = Tensor::of<int64_t>({3}, {0, 2, 0}),
               u = Tensor::of<double>({3}, {5, 7, 4});
  const auto scatter = [&](ScatterElements::Kind kind) {
    return run({x, index, u},
               [&](Builder& b, const auto& v) { b.scatter_elements(kind, v[0], v[1], v[2], 0); })
        .to_doubles();
  };
  CHECK(scatter(ScatterElements::Kind::replace) == Reals{4, 2, 7});
  CHECK(scatter(ScatterElements::Kind::add) == Reals{10, 2, 10});
  CHECK(scatter(ScatterElements::Kind::mul) == Reals{20, 2, 21});
  CHECK(scatter(ScatterElements::Kind::min) == Reals{1, 2, 3});
  CHECK(scatter(ScatterElements::Kind::max) == Reals{5, 2, 7});
}

TEST_CASE("an index out of range is an error that names it") {
  const Tensor x = random_tensor({3, 2}, 1);
  const auto message = [&](const Tensor& index, bool elements) -> std::string {
    try {
      run({x, index}, [&](Builder& b, const auto& v) {
        elements ? b.gather_elements(v[0], v[1], 0) : b.gather(v[0], v[1], 0);
      });
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::failed);
      return e.what();
    }
    return "";
  };
  CHECK(message(Tensor::of<int64_t>({1}, {3}), false).find("index 3 ") != std::string::npos);
  CHECK(message(Tensor::of<int64_t>({1}, {-4}), false).find("index -4 ") != std::string::npos);
  CHECK(message(Tensor::of<int64_t>({1, 1}, {5}), true).find("index 5 ") != std::string::npos);
}

}  // namespace onnxray::test
