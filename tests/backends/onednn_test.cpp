#include "backends/onednn/onednn.h"

#include "backends/reference/reference.h"
#include "core/error.h"
#include "core/optimise/optimise.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

/// Float rounds at 6e-8. Products sum at most 1500 terms of both signs in one order, double in another; steep
/// functions (tan, pow, exp) amplify the rounding of their inputs a little. Integers and booleans are exact.
double tolerance(const Result& result) { return is_floating(result.dtype) ? 2e-6 : 0; }

std::string_view text(Lay lay) {
  switch (lay) {
    case Lay::row_major: return "row-major";
    case Lay::channels_last: return "channels-last";
    case Lay::scattered: return "scattered";
  }
  return "?";
}

/// Rows `first` to `last` of a case's batch, for primitives that treat the samples of a batch alone.
Tensor samples(const Tensor& t, int64_t first, int64_t last) {
  Shape shape = t.shape();
  const int64_t size = t.size() / shape[0];
  shape[0] = last - first;
  Tensor result(t.dtype(), shape);
  std::copy_n(t.bytes() + first * size * size_of(t.dtype()), result.byte_size(), result.mutable_bytes());
  return result;
}

}  // namespace

TEST_CASE("oneDNN kernels agree with the double reference in every layout") {
  const auto reference = make_reference_compiler_f64();
  for (const PrimitiveCase& c : primitive_cases()) {
    const std::vector<Tensor> expected = run_primitive(*reference, c, {.real_size = 8});
    for (const Lay lay : {Lay::row_major, Lay::channels_last, Lay::scattered}) {
      for (const bool constants : {false, true}) {
        INFO(c.name << " (" << attributes_text(c.primitive) << ") " << text(lay)
                    << (constants ? ", constants" : ""));
        const std::vector<Tensor> got =
            run_primitive(*make_onednn_compiler(), c, {.lay = lay, .constants = constants});
        REQUIRE(got.size() == expected.size());
        for (size_t i = 0; i < got.size(); ++i)
          CHECK(distance(got[i], expected[i]) <= tolerance(c.results[i]));
      }
    }
  }
}

TEST_CASE("a kernel gives the same bits each time it runs") {
  const auto compiler = make_onednn_compiler();
  const PrimitiveCase convolution =
      make_case("convolution", {random_tensor({2, 16, 28, 28}, 1), random_tensor({24, 16, 3, 3}, 2)},
                [](Builder& b, const auto& v) {
                  b.convolution(v[0], v[1], {}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1);
                });
  const PrimitiveCase sum = make_case("sum", {random_tensor({400, 1000}, 3)}, [](Builder& b, const auto& v) {
    b.sum(v[0], {0, 1});
  });
  for (const PrimitiveCase& c : {convolution, sum}) {
    const RunOptions options{.lay = Lay::channels_last, .constants = true};
    CHECK(distance(run_primitive(*compiler, c, options)[0], run_primitive(*compiler, c, options)[0]) == 0);
  }
}

TEST_CASE("equal columns have equal sums, wherever they lie") {
  // 64 + 16 + 8 + 3 channels: as many as are summed together, and what is left of them.
  const Shape shape{1, 91, 5, 9};
  const Tensor places = random_tensor({45}, 4);
  std::vector<float> values;
  for (int64_t c = 0; c < shape[1]; ++c)
    for (int64_t i = 0; i < 45; ++i) values.push_back(static_cast<float>(places.as_double(i)));
  const PrimitiveCase sum = make_case("sum", {Tensor::of(shape, values)}, [](Builder& b, const auto& v) {
    b.sum(v[0], {2, 3});
  });
  const std::vector<double> sums =
      run_primitive(*make_onednn_compiler(), sum, {.lay = Lay::channels_last})[0].to_doubles();
  CHECK(sums == std::vector<double>(91, sums[0]));
}

TEST_CASE("a sample of a batch gets what it gets alone") {
  const auto compiler = make_onednn_compiler();
  const Tensor x = random_tensor({4, 8, 14, 14}, 1), w = random_tensor({16, 8, 3, 3}, 2);
  const auto emit = [](Builder& b, const auto& v) {
    b.convolution(v[0], v[1], {}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1);
  };
  const RunOptions options{.lay = Lay::channels_last, .constants = true};
  const Tensor all = run_primitive(*compiler, make_case("batch", {x, w}, emit), options)[0];
  for (int64_t n = 0; n < 4; ++n) {
    const Tensor one =
        run_primitive(*compiler, make_case("single", {samples(x, n, n + 1), w}, emit), options)[0];
    // The promise that the project makes for every backend but the reference.
    CHECK(distance(samples(all, n, n + 1), one) <= 1e-5);
  }
}

TEST_CASE("few rows times a large matrix read it as it lies, in either direction") {
  const auto reference = make_reference_compiler_f64();
  // Sides that are no multiple of a tile or a vector.
  const Tensor w = random_tensor({1031, 1030}, 1), bias = random_tensor({1031}, 2);
  for (const int64_t rows : {1, 3, 4, 7, 8, 9}) {
    INFO(rows << " rows");
    const Tensor x = random_tensor({rows, 1030}, 3), g = random_tensor({rows, 1031}, 4);
    for (const PrimitiveCase& c :
         {make_case("x w^T + b", {x, w, bias},
                    [](Builder&b, const auto&v) { b.matmul(v[0], v[1], false, true, v[2]); }),
          make_case("g w", {g, w}, [](Builder&b, const auto&v) { b.matmul(v[0], v[1]); })}) {
      const RunOptions options{.constants = true};
      // Float sums of 1031 products.
      CHECK(distance(run_primitive(*make_onednn_compiler(), c, options)[0],
                     run_primitive(*reference, c, {.real_size = 8})[0]) <= 2e-6);
    }
  }
}

TEST_CASE("forms of a large matrix are taken as it is read, in either direction") {
  const auto reference = make_reference_compiler_f64();
  using Kind = WeightForm::Kind;
  const Tensor w = random_tensor({1031, 1030}, 1);
  for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8}) {
    for (const bool transposed : {false, true}) {
      const Shape shape{rows, transposed ? 1030 : 1031};
      // Two under one form, with another between them; and every form once, in two steps.
      for (const std::vector<WeightForm>& forms :
           {std::vector<WeightForm>{{Kind::positive, 0}, {Kind::whole, 0}, {Kind::positive, 0}},
            {{Kind::negative, 0}, {Kind::magnitude, 0}, {Kind::square, 0}, {Kind::raised, 0.25}}}) {
        std::vector<Tensor> in;
        for (size_t i = 0; i < forms.size(); ++i) in.push_back(random_tensor(shape, 2 + i));
        in.push_back(w);
        const PrimitiveCase c = make_case("", in, [&](Builder& b, const auto& v) {
          b.form_products(std::span(v).first(forms.size()), v.back(), transposed, forms);
        });
        INFO(rows << " rows, " << attributes_text(c.primitive));
        const auto found = run_primitive(*make_onednn_compiler(), c, {.constants = true}),
                   expected = run_primitive(*reference, c, {.real_size = 8});
        // Float sums of 1031 products.
        for (size_t i = 0; i < forms.size(); ++i) CHECK(distance(found[i], expected[i]) <= 2e-6);
      }
    }
  }
}

TEST_CASE("a product beside others is what it is alone, bit by bit") {
  const Tensor w = random_tensor({1031, 1030}, 1), x = random_tensor({3, 1030}, 2);
  const auto compiler = make_onednn_compiler();
  const Tensor alone = run_primitive(
      *compiler, make_case("", {x, w}, [](Builder& b, const auto& v) { b.matmul(v[0], v[1], false, true); }),
      {.constants = true})[0];
  const PrimitiveCase both = make_case("", {x, x, w}, [](Builder& b, const auto& v) {
    b.form_products(std::span(v).first(2), v.back(), true, {{}, {WeightForm::Kind::positive, 0}});
  });
  CHECK(distance(run_primitive(*compiler, both, {.constants = true})[0], alone) == 0);
}

TEST_CASE("large tensors, which several threads share, come out as small ones do") {
  const auto reference = make_reference_compiler_f64();
  const Tensor x = random_tensor({2, 48, 40, 41}, 1), g = random_tensor({2, 48, 20, 21}, 2),
               mask = random_integers({2, 48, 40, 41}, 3, 0, 2, DType::boolean);
  const Tensor winner = random_integers({2, 48, 20, 21}, 4, 0, 9, DType::u8);
  const Window window{{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}};
  const std::vector<PrimitiveCase> cases{
      make_case("relu", {x}, [](Builder& b, const auto& v) { b.unary(Opcode::relu, v[0]); }),
      make_case("positive", {x}, [](Builder& b, const auto& v) { b.less(b.program().inputs[0].var, v[0]); }),
      make_case("masked", {mask, x}, [](Builder& b, const auto& v) { b.select(v[0], v[1], b.scalar(0)); }),
      make_case("per channel", {x, random_tensor({48, 1, 1}, 5)},
                [](Builder& b, const auto& v) { b.mul(v[0], v[1]); }),
      make_case("per column", {x, random_tensor({40, 1}, 6)},
                [](Builder& b, const auto& v) { b.add(v[0], v[1]); }),
      make_case("max_pool", {x}, [&](Builder& b, const auto& v) { b.max_pool(v[0], window); }),
      make_case("max_pool_scatter", {g, winner},
                [&](Builder& b, const auto& v) {
                  b.max_pool_scatter(v[0], v[1], window, {2, 48, 40, 41});
                }),
      make_case("sum_pool", {x}, [&](Builder& b, const auto& v) { b.sum_pool(v[0], window); }),
      make_case("sum over places", {x},
                [](Builder& b, const auto& v) {
                  b.sum(v[0], {2, 3});
                }),
      make_case("sum over channels", {x}, [](Builder& b, const auto& v) { b.sum(v[0], {1}); }),
      make_case("sum over all", {x}, [](Builder& b, const auto& v) { b.sum(v[0], {}); }),
      make_case("softmax", {x}, [](Builder& b, const auto& v) { b.softmax(v[0], 1); }),
      make_case("transpose", {x},
                [](Builder& b, const auto& v) {
                  b.transpose(v[0], {3, 1, 0, 2});
                }),
      make_case("place", {x},
                [](Builder& b, const auto& v) {
                  b.place(v[0], {0, 0, 1, 2}, {1, 1, 1, 1}, {2, 48, 43, 44});
                }),
      make_case("concat", {x, x}, [](Builder& b, const auto& v) { b.concat(v, 1); }),
  };
  for (const PrimitiveCase& c : cases) {
    const std::vector<Tensor> expected = run_primitive(*reference, c, {.real_size = 8});
    for (const Lay lay : {Lay::row_major, Lay::channels_last, Lay::scattered}) {
      INFO(c.name << " " << text(lay));
      const std::vector<Tensor> got = run_primitive(*make_onednn_compiler(), c, {.lay = lay});
      for (size_t i = 0; i < got.size(); ++i) CHECK(distance(got[i], expected[i]) <= tolerance(c.results[i]));
    }
  }
}

TEST_CASE("a planned program gives what the reference backend gives") {
  Program program;
  Builder b(program);
  const Window stem{{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, pool{{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}};
  const Var x = b.input("x", {2, 3, 32, 30}, DType::f32), w = b.constant(random_tensor({8, 3, 3, 3}, 1));
  const Var z = b.convolution(x, w, b.constant(random_tensor({8}, 2)), stem, 1);
  const auto [y, winner] = b.max_pool(b.unary(Opcode::relu, z), pool);
  const Var logits = b.matmul(b.reshape(y, {2, 8 * 8 * 7}), b.constant(random_tensor({8 * 8 * 7, 5}, 3)));
  // The gradient of the sum of squared logits.
  const Var g = b.matmul(logits, b.constant(random_tensor({8 * 8 * 7, 5}, 3)), false, true);
  const Var at_relu = b.max_pool_scatter(b.reshape(g, b.shape(y)), winner, pool, b.shape(z));
  const Var at_z = b.select(b.less(b.scalar(0), z), at_relu, b.scalar(0));
  b.output("logits", logits);
  b.output("gradient", b.convolution_input(at_z, w, stem, 1, b.shape(x)));

  const Tensor input[] = {random_tensor({2, 3, 32, 30}, 4)};
  const auto run = [&](Backend& backend) {
    const auto executable = backend.compile(make_plan(program, backend.plan_options()));
    executable->run(input);
    return executable->run(input);  // the second run finds the arena in use
  };
  const auto expected = run(*make_reference_backend(true)), got = run(*make_onednn_backend());
  // Chained float products of up to 448 terms.
  for (size_t i = 0; i < expected.size(); ++i) CHECK(distance(got[i], expected[i]) <= 5e-6);
}

TEST_CASE("a convolution with its Relu inside gives what two steps give") {
  const auto run = [](Backend& backend, double cap) {
    Program program;
    Builder b(program);
    const Window window{{3, 3}, {2, 1}, {1, 1}, {1, 1}, {1, 1}};
    const Var z =
        b.convolution(b.input("x", {2, 16, 9, 9}, DType::f32), b.constant(random_tensor({24, 8, 3, 3}, 1)),
                      b.constant(random_tensor({24}, 2)), window, 2);
    const Var y = cap > 0 ? b.min(b.max(z, 0.0), cap) : b.unary(Opcode::relu, z);
    b.output("y", b.sum(y, {2, 3}));
    b.output("largest", b.reduce(Reduce::Kind::max, y, {}));
    fuse_elementwise(program);
    return backend.compile(make_plan(std::move(program), backend.plan_options()))
        ->run(std::vector{random_tensor({2, 16, 9, 9}, 3)});
  };
  for (const double cap : {0.0, 0.5}) {
    const auto expected = run(*make_reference_backend(true), cap), got = run(*make_onednn_backend(), cap);
    // Float sums of 72 products.
    for (size_t i = 0; i < expected.size(); ++i) CHECK(distance(got[i], expected[i]) <= 2e-6);
  }
}

TEST_CASE("the oneDNN backend describes itself") {
  const auto backend = make_onednn_backend(1);
  CHECK(backend->name() == "onednn");
  CHECK(backend->description().starts_with("oneDNN "));
  CHECK(backend->description().ends_with(", 1 thread"));
  CHECK(backend->plan_options().channels_last);
}

}  // namespace onnxray::test
