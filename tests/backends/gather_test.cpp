#include <fmt/format.h>

#include <limits>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/error.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"

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

namespace {

struct Indexed {
  std::string name;
  std::vector<Tensor> rest;  ///< the operands but for the index
  Shape index;               ///< along an axis of extent 3
  std::function<void(Builder&, const std::vector<Var>&, Var index)> emit;
};

std::vector<Indexed> indexed() {
  const Tensor x = random_tensor({3, 2}, 1), u = random_tensor({4, 2}, 2);
  return {
      {"gather", {x}, {4, 2}, [](Builder& b, const auto& v, Var index) { b.gather(v[0], index, 0); }},
      {"gather_adjoint",
       {u},
       {4},
       [](Builder& b, const auto& v, Var index) { b.gather_adjoint(v[0], index, 0, 3); }},
      {"gather_elements",
       {x},
       {4, 2},
       [](Builder& b, const auto& v, Var index) { b.gather_elements(v[0], index, 0); }},
      {"scatter_elements",
       {x, u},
       {4, 2},
       [](Builder& b, const auto& v, Var index) {
         b.scatter_elements(ScatterElements::Kind::add, v[0], index, v[1], 0);
       }},
      {"ravel_index", {}, {8, 1}, [](Builder& b, const auto&, Var index) { b.ravel_index(index, {3}); }},
  };
}

/// Zeros but for one entry.
Tensor index_with(const Shape& shape, int64_t entry) {
  Tensor index(DType::i64, shape);
  index.mutable_data<int64_t>()[static_cast<size_t>(index.size() - 1)] = entry;
  return index;
}

}  // namespace

TEST_CASE("an index outside its axis is an error that names it, on every backend") {
  const auto check = [](Backend& backend, const Indexed& c, int64_t entry, bool is_inside) {
    INFO(c.name << " " << entry);
    Program program;
    Builder b(program);
    std::vector<Tensor> given = c.rest;
    std::vector<Var> operands;
    for (const Tensor& t : c.rest) operands.push_back(b.input("", t.shape(), t.dtype()));
    given.push_back(index_with(c.index, entry));
    const Var index = b.input("index", c.index, DType::i64);
    b.set_origin(0, "the result");
    c.emit(b, operands, index);
    b.output("y", program.steps.back().outputs[0]);
    const auto executable = backend.compile(make_plan(program, backend.plan_options()));
    if (is_inside) {
      CHECK_NOTHROW(executable->run(given));
      return;
    }
    const Error error = error_of([&] { executable->run(given); });
    CHECK(says(error, ErrorCode::usage, fmt::format("index {} ", entry)));
    CHECK(says(error, ErrorCode::usage, "'the result'"));
  };
  const auto reference = make_reference_backend(false), full = make_reference_backend(true),
             fast = make_onednn_backend(2);
  for (Backend* backend : {reference.get(), full.get(), fast.get()}) {
    for (const Indexed& c : indexed()) {
      for (const int64_t entry : {3L, -4L, int64_t{1} << 40, std::numeric_limits<int64_t>::min()})
        check(*backend, c, entry, false);
      for (const int64_t entry : {2L, -3L}) check(*backend, c, entry, true);
    }
  }
}

TEST_CASE("an index that is known is checked before anything runs") {
  for (const Indexed& c : indexed()) {
    INFO(c.name);
    const auto build = [&](int64_t entry) {
      Program program;
      Builder b(program);
      std::vector<Var> operands;
      for (const Tensor& t : c.rest) operands.push_back(b.input("", t.shape(), t.dtype()));
      c.emit(b, operands, b.constant(index_with(c.index, entry)));
    };
    CHECK(says(error_of([&] { build(3); }), ErrorCode::bad_file, "index 3 is outside axis 0"));
    CHECK(says(error_of([&] { build(-4); }), ErrorCode::bad_file, "index -4 is outside axis 0"));
    CHECK_NOTHROW(build(2));
    CHECK_NOTHROW(build(-3));
  }
}

TEST_CASE("indices and updates must fit what they index on every other axis") {
  Program program;
  Builder b(program);
  const auto zeros = [&](Shape shape, DType dtype) { return b.input("", std::move(shape), dtype); };
  const Var x = zeros({3, 2}, DType::f32);
  const auto refuses = [](const auto& call) {
    return says(error_of(call), ErrorCode::bad_file, "no other axis may be longer");
  };
  CHECK(refuses([&] { b.gather_elements(x, zeros({3, 3}, DType::i64), 0); }));
  CHECK(refuses([&] { b.gather_elements(x, zeros({4, 2}, DType::i64), 1); }));
  CHECK(refuses([&] { b.gather_elements(x, zeros({3}, DType::i64), 0); }));
  const auto scatter = [&](const Shape& index, const Shape& updates) {
    b.scatter_elements(ScatterElements::Kind::replace, x, zeros(index, DType::i64),
                       zeros(updates, DType::f32), 0);
  };
  CHECK(refuses([&] { scatter({1, 4096}, {1, 4096}); }));
  CHECK(says(error_of([&] { scatter({1, 2}, {2, 2}); }), ErrorCode::bad_file, "for updates [2,2]"));
  CHECK_NOTHROW(scatter({9, 2}, {9, 2}));
  CHECK_NOTHROW(scatter({9, 1}, {9, 1}));
  CHECK_THROWS_AS(b.gather_adjoint(x, zeros({4}, DType::i64), 0, 3), Error);
  CHECK_THROWS_AS(b.ravel_index(zeros({4, 2}, DType::i64), {3}), Error);
}

}  // namespace onnxray::test
