#include <algorithm>
#include <cmath>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

using Kind = WeightForm::Kind;

const std::vector<WeightForm> kParts{
    {Kind::positive, 0}, {Kind::negative, 0}, {Kind::magnitude, 0}, {Kind::raised, 0.25}};

/// Windows of every kind, and what the kernels treat apart: blocks of 48 places with a rest of one, two or
/// three vectors, quartets of results with a rest, terms in one portion, in several, and in so many that they
/// are gathered portion by portion.
std::vector<WindowCase> windows() {
  std::vector<WindowCase> all;
  for (const WindowCase& w : convolution_windows()) {
    if (w.groups == 1) all.push_back(w);
  }
  const Window one{{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, three{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  all.push_back({"a portion", {1, 64, 16, 16}, one, 256});
  all.push_back({"four portions", {1, 256, 16, 16}, one, 64});
  all.push_back({"whole blocks", {2, 32, 6, 8}, one, 32});
  all.push_back({"a rest of one vector", {1, 40, 7, 7}, one, 20});
  all.push_back({"a rest of two vectors", {2, 64, 6, 6}, one, 18});
  all.push_back({"several portions", {1, 48, 9, 6}, three, 17});
  all.push_back({"portion by portion", {1, 300, 5, 7}, three, 48});
  all.push_back({"portion by portion, shares of places", {2, 290, 14, 14}, three, 5});
  return all;
}

PrimitiveCase forward_case(const WindowCase& w, const WeightForm& part, bool biased) {
  std::vector<Tensor> inputs{random_tensor(w.x, 1), random_tensor(weight_shape(w), 2)};
  if (biased) inputs.push_back(random_tensor({w.channels}, 3));
  return make_case(w.name, inputs, [&](Builder& b, const auto& v) {
    b.split_convolution(v[0], v[1], v.size() > 2 ? v[2] : Var{}, w.window, part);
  });
}

PrimitiveCase adjoint_case(const WindowCase& w) {
  const Shape g = result_shape(w);
  return make_case(
      w.name, {random_tensor(g, 1), random_tensor(g, 2), random_tensor(weight_shape(w), 3)},
      [&](Builder& b, const auto& v) { b.split_convolution_input(v[0], v[1], v[2], w.window, w.x); });
}

std::vector<Tensor> run(KernelCompiler& compiler, const PrimitiveCase& c, int64_t real_size,
                        const Expression* epilogue = nullptr) {
  return run_primitive(
      compiler, c,
      {.real_size = real_size, .lay = Lay::channels_last, .constants = true, .epilogue = epilogue});
}

}  // namespace

TEST_CASE("a split convolution is the convolution and that under a form of its weights") {
  const auto fast = make_onednn_compiler(), exact = make_reference_compiler_f64();
  for (const WindowCase& w : windows()) {
    for (const WeightForm& part : kParts) {
      const PrimitiveCase c = forward_case(w, part, part.kind != Kind::negative);
      INFO(c.name << " " << attributes_text(c.primitive));
      const std::vector<Tensor> found = run(*fast, c, 4), expected = run(*exact, c, 8);
      // Portions of 256 terms and up to eleven of them, in float.
      for (size_t i = 0; i < 2; ++i) CHECK(distance(found[i], expected[i]) < 1e-6);
    }
  }
}

TEST_CASE("a split convolution cuts its first result off, and no other") {
  const auto fast = make_onednn_compiler(), exact = make_reference_compiler_f64();
  const Expression relu{Expression::Domain::real, {{Opcode::relu, {Source::Kind::input}, {}, {}}}, {0}};
  for (const WindowCase& w : windows()) {
    const PrimitiveCase c = forward_case(w, {Kind::negative, 0}, true);
    const std::vector<Tensor> found = run(*fast, c, 4, &relu), expected = run(*exact, c, 8);
    INFO(c.name);
    REQUIRE(found.size() == 2);
    CHECK(distance(found[0], rectified(expected[0])) < 1e-6);
    CHECK(distance(found[1], expected[1]) < 1e-6);
  }
}

TEST_CASE("a split adjoint is the sum of the adjoints under w+ and w-") {
  const auto fast = make_onednn_compiler(), exact = make_reference_compiler_f64();
  for (const WindowCase& w : windows()) {
    const PrimitiveCase c = adjoint_case(w);
    INFO(c.name << " " << attributes_text(c.primitive));
    CHECK(distance(run(*fast, c, 4)[0], run(*exact, c, 8)[0]) < 1e-6);
  }
}

TEST_CASE("the reference's split convolution is the definition, on two convolutions") {
  const auto exact = make_reference_compiler_f64();
  const WindowCase w = windows()[0];
  const Tensor x = random_tensor(w.x, 1), weight = random_tensor(weight_shape(w), 2);
  Tensor above = weight;
  for (float& v : above.mutable_data<float>()) v = std::max(v, 0.0f);
  const auto convolved = [&](const Tensor& by) {
    return run(*exact,
               make_case("", {x, by},
                         [&](Builder& b, const auto& v) { b.convolution(v[0], v[1], {}, w.window, 1); }),
               8)[0];
  };
  const std::vector<Tensor> found = run(*exact, forward_case(w, {Kind::positive, 0}, false), 8);
  CHECK(distance(found[0], convolved(weight)) == 0);
  CHECK(distance(found[1], convolved(above)) == 0);
}

TEST_CASE("the split sum of a convolution is about as exact as a direct one") {
  const auto fast = make_onednn_compiler(), exact = make_reference_compiler_f64();
  for (const WindowCase& w : windows()) {
    PrimitiveCase split = forward_case(w, {Kind::positive, 0}, false);
    for (float& v : split.inputs[0].mutable_data<float>()) v = std::abs(v);  // P and N cancel
    const PrimitiveCase direct = make_case(
        w.name, split.inputs, [&](Builder& b, const auto& v) { b.convolution(v[0], v[1], {}, w.window, 1); });
    const Tensor expected = run(*exact, direct, 8)[0];
    const auto mean_error = [&](const PrimitiveCase& c) {
      const Tensor found = run(*fast, c, 4)[0];
      double sum = 0;
      for (int64_t i = 0; i < found.size(); ++i) sum += std::abs(found.as_double(i) - expected.as_double(i));
      return sum;
    };
    INFO(w.name);
    // P and N of a portion of 64 terms are up to three times as large as what a sum of mixed signs passes
    // through; between portions they have cancelled.
    CHECK(mean_error(split) <= 3.5 * mean_error(direct));
  }
}

}  // namespace onnxray::test
