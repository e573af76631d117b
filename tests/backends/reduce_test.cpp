#include <cmath>

#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

using Emit = std::function<void(Builder&, const std::vector<Var>&)>;

Tensor run(const Tensor& x, const Emit& emit) {
  const auto compiler = make_reference_compiler_f64();
  return run_primitive(*compiler, make_case("", {x}, emit), {.real_size = 8})[0];
}

using Reals = std::vector<double>;

}  // namespace

TEST_CASE("reductions over outer, inner and all axes") {
  const Tensor x = Tensor::of<double>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(run(x, [](Builder& b, const auto& v) { b.sum(v[0], {0}); }).to_doubles() == Reals{5, 7, 9});
  CHECK(run(x, [](Builder& b, const auto& v) { b.sum(v[0], {1}); }).to_doubles() == Reals{6, 15});
  CHECK(run(x, [](Builder& b, const auto& v) { b.reduce(Reduce::Kind::prod, v[0], {}); }).to_doubles() ==
        Reals{720});
  CHECK(run(x, [](Builder& b, const auto& v) { b.reduce(Reduce::Kind::max, v[0], {1}); }).to_doubles() ==
        Reals{3, 6});
  CHECK(run(x, [](Builder& b, const auto& v) { b.reduce(Reduce::Kind::min, v[0], {0}); }).to_doubles() ==
        Reals{1, 2, 3});
}

TEST_CASE("a reduction of nothing is the neutral element") {
  const Tensor x(DType::f64, {2, 0});
  const auto reduced = [&](Reduce::Kind kind) {
    return run(x, [&](Builder& b, const auto& v) { b.reduce(kind, v[0], {1}); }).as_double(0);
  };
  CHECK(reduced(Reduce::Kind::sum) == 0);
  CHECK(reduced(Reduce::Kind::prod) == 1);
  CHECK(reduced(Reduce::Kind::max) == -INFINITY);
  CHECK(reduced(Reduce::Kind::min) == INFINITY);
}

TEST_CASE("NaN passes through the largest and the smallest") {
  const Tensor x = Tensor::of<double>({3}, {1, NAN, 2});
  CHECK(std::isnan(
      run(x, [](Builder& b, const auto& v) { b.reduce(Reduce::Kind::max, v[0], {}); }).as_double(0)));
  CHECK(std::isnan(
      run(x, [](Builder& b, const auto& v) { b.reduce(Reduce::Kind::min, v[0], {}); }).as_double(0)));
}

TEST_CASE("float sums are accumulated in double") {
  // 2^24 + 1 + ... + 1: in float each 1 would be lost.
  Tensor x = Tensor::filled(DType::f32, {101}, 1);
  x.mutable_data<float>()[0] = 16777216;
  const auto compiler = make_reference_compiler_f32();
  const auto y =
      run_primitive(*compiler, make_case("", {x}, [](Builder& b, const auto& v) { b.sum(v[0], {}); }));
  CHECK(y[0].as_double(0) == 16777316);
}

TEST_CASE("arg_reduce names the first of equals, or the last") {
  const Tensor x = Tensor::of<double>({2, 4}, {1, 3, 3, 1, 2, 2, 2, 2});
  const auto arg = [&](bool largest, bool last) {
    return run(x, [&](Builder& b, const auto& v) { b.arg_reduce(v[0], 1, largest, last); }).to_int64s();
  };
  CHECK(arg(true, false) == std::vector<int64_t>{1, 0});
  CHECK(arg(true, true) == std::vector<int64_t>{2, 3});
  CHECK(arg(false, false) == std::vector<int64_t>{0, 0});
  CHECK(arg(false, true) == std::vector<int64_t>{3, 3});
}

TEST_CASE("top_k takes no entry twice, whatever the entries are") {
  const auto top = [&](const Tensor& x, int64_t count, bool largest) {
    return run(x, [&](Builder& b, const auto& v) { b.top_k(v[0], 0, count, largest); }).to_int64s();
  };
  using Ints = std::vector<int64_t>;
  const double inf = INFINITY;
  CHECK(top(Tensor::of<double>({4}, {-inf, -inf, 5, -inf}), 3, true) == Ints{2, 0, 1});
  CHECK(top(Tensor::of<double>({4}, {inf, inf, 5, inf}), 3, false) == Ints{2, 0, 1});
  // A NaN is the largest.
  CHECK(top(Tensor::of<double>({5}, {1, NAN, inf, NAN, -inf}), 5, true) == Ints{1, 3, 2, 0, 4});
  CHECK(top(Tensor::of<double>({5}, {1, NAN, inf, NAN, -inf}), 5, false) == Ints{4, 0, 2, 1, 3});
  const int64_t low = std::numeric_limits<int64_t>::min(), high = std::numeric_limits<int64_t>::max();
  CHECK(top(Tensor::of<int64_t>({5}, {low, high, low, low + 1, high - 1}), 5, true) == Ints{1, 4, 3, 0, 2});
  CHECK(top(Tensor::of<int64_t>({5}, {low, high, low, low + 1, high - 1}), 5, false) == Ints{0, 2, 3, 4, 1});
  CHECK(top(Tensor::of<double>({4}, {0.0, -0.0, 0.0, -0.0}), 4, true) == Ints{0, 1, 2, 3});
}

TEST_CASE("top_k of all entries sorts them, of one is arg_reduce") {
  const Tensor x = random_integers({7, 200}, 3, -40, 40, DType::f32);
  const auto order = [&](int64_t count, bool largest) {
    return run(x, [&](Builder& b, const auto& v) { b.top_k(v[0], 1, count, largest); }).to_int64s();
  };
  for (const bool largest : {true, false}) {
    CHECK(order(1, largest) ==
          run(x, [&](Builder& b, const auto& v) { b.arg_reduce(v[0], 1, largest); }).to_int64s());
    const std::vector<int64_t> all = order(200, largest), some = order(80, largest);
    for (size_t row = 0; row < 7; ++row) {
      for (size_t i = 0; i < 80; ++i) CHECK(some[row * 80 + i] == all[row * 200 + i]);
      for (size_t i = 1; i < 200; ++i) {
        const auto at = [&](size_t k) {
          return x.as_double(static_cast<int64_t>(row) * 200 + all[row * 200 + k]);
        };
        if (at(i - 1) == at(i))
          CHECK(all[row * 200 + i - 1] < all[row * 200 + i]);
        else
          CHECK((at(i - 1) > at(i)) == largest);
      }
    }
  }
}

TEST_CASE("a softmax sums to 1, bears a shift, and its logarithm agrees") {
  const Tensor x = random_tensor({4, 6}, 1, 5),
               shifted = run(x, [](Builder&b, const auto&v) { b.add(v[0], 700.0); });
  const auto softmax = [](const Tensor& t, bool log) {
    return run(t, [&](Builder& b, const auto& v) { b.softmax(v[0], 1, log); });
  };
  const Tensor p = softmax(x, false), q = softmax(x, true);
  for (int64_t row = 0; row < 4; ++row) {
    double sum = 0;
    for (int64_t i = row * 6; i < row * 6 + 6; ++i) {
      sum += p.as_double(i);
      CHECK(std::exp(q.as_double(i)) == Approx(p.as_double(i)).epsilon(1e-13));
    }
    CHECK(sum == Approx(1).epsilon(1e-15));
  }
  // 700 + x is rounded to 1e-13.
  CHECK(distance(softmax(shifted, false), p) < 1e-12);
}

TEST_CASE("running sums go both ways, with or without the entry itself") {
  const Tensor x = Tensor::of<double>({4}, {1, 2, 3, 4});
  const auto sums = [&](bool exclusive, bool reverse) {
    return run(x, [&](Builder& b, const auto& v) { b.cum_sum(v[0], 0, exclusive, reverse); }).to_doubles();
  };
  CHECK(sums(false, false) == Reals{1, 3, 6, 10});
  CHECK(sums(true, false) == Reals{0, 1, 3, 6});
  CHECK(sums(false, true) == Reals{10, 9, 7, 4});
  CHECK(sums(true, true) == Reals{9, 7, 4, 0});
}

}  // namespace onnxray::test
