#include "backends/reference/reference.h"
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

TEST_CASE("movement puts every element where numpy does") {
  const Tensor x = Tensor::of<double>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(run({x}, [](Builder& b, const auto& v) {
          b.transpose(v[0], {1, 0});
        }).to_doubles() == Reals{1, 4, 2, 5, 3, 6});
  CHECK(run({x}, [](Builder& b, const auto& v) {
          b.slice(v[0], {1, 2}, {-1, -2}, {2, 2});
        }).to_doubles() == Reals{6, 4, 3, 1});
  CHECK(run({x}, [](Builder& b, const auto& v) {
          b.place(v[0], {1, 0}, {-1, 1}, {2, 4}, 9);
        }).to_doubles() == Reals{4, 5, 6, 9, 1, 2, 3, 9});
  CHECK(run({x, x}, [](Builder& b, const auto& v) { b.concat(v, 1); }).to_doubles() ==
        Reals{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
  CHECK(run({x.reshaped({2, 1, 3})}, [](Builder& b, const auto& v) {
          b.broadcast(v[0], {2, 2, 3});
        }).to_doubles() == Reals{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
}

TEST_CASE("a reshape reads a strided tensor in logical order") {
  const auto compiler = make_reference_compiler_f64();
  const PrimitiveCase c =
      make_case("", {Tensor::of<double>({2, 3}, {1, 2, 3, 4, 5, 6})}, [](Builder& b, const auto& v) {
        b.reshape(v[0], {3, 2});
      });
  const std::vector<Strides> columns_first{{1, 2}}, rows{{2, 1}}, columns{{1, 3}};
  CHECK(run_strided(*compiler, c, columns_first, rows, {.real_size = 8})[0].to_doubles() ==
        Reals{1, 2, 3, 4, 5, 6});
  CHECK(run_strided(*compiler, c, columns_first, columns, {.real_size = 8})[0].to_doubles() ==
        Reals{1, 2, 3, 4, 5, 6});
}

TEST_CASE("place is the adjoint of slice") {
  struct Steps {
    Shape x;
    std::vector<int64_t> starts, steps;
    Shape y;
  };
  const std::vector<Steps> all{
      {{7}, {2}, {1}, {4}}, {{5, 6}, {4, 0}, {-2, 3}, {3, 2}}, {{2, 3, 4}, {1, 0, 3}, {1, 2, -1}, {1, 2, 4}}};
  for (const Steps& s : all) {
    const Tensor x = random_tensor(s.x, 1), g = random_tensor(s.y, 2);
    const Tensor y = run({x}, [&](Builder& b, const auto& v) { b.slice(v[0], s.starts, s.steps, s.y); });
    const Tensor back = run({g}, [&](Builder& b, const auto& v) { b.place(v[0], s.starts, s.steps, s.x); });
    CHECK(dot(y, g) == Approx(dot(x, back)).epsilon(1e-14));  // the same few products in another order
  }
}

}  // namespace onnxray::test
