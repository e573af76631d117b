#include <algorithm>

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/layout.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

struct Adjoint {
  std::string name;
  Shape x;
  int64_t channels;
  Shape pads_begin, pads_end;
};

std::vector<Adjoint> adjoints() {
  return {{"whole tiles", {1, 32, 8, 12}, 16, {1, 1}, {1, 1}},
          {"parts of tiles", {2, 16, 7, 9}, 48, {1, 1}, {1, 1}},
          {"no padding", {1, 16, 11, 6}, 16, {0, 0}, {0, 0}},
          {"much and uneven padding", {3, 16, 5, 10}, 32, {2, 0}, {1, 2}},
          {"fewer places than a tile has", {2, 64, 3, 2}, 16, {1, 1}, {1, 1}},
          {"weights in two slices", {1, 32, 6, 7}, 80, {1, 1}, {1, 1}},
          {"several blocks of tiles", {1, 64, 110, 90}, 64, {1, 1}, {1, 1}}};
}

PrimitiveCase case_of(const Adjoint& a, bool winograd) {
  const Window window{{3, 3}, {1, 1}, {1, 1}, a.pads_begin, a.pads_end};
  const Shape places = window_output(window, std::span(a.x).subspan(2));
  const Tensor g = random_tensor({a.x[0], a.channels, places[0], places[1]}, 3),
               w = random_tensor({a.channels, a.x[1], 3, 3}, 4);
  return {a.name, ConvolutionInput{window, 1, a.x, winograd}, {g, w}, {{a.x, DType::f32}}};
}

Tensor run(KernelCompiler& compiler, const PrimitiveCase& c, int64_t real_size,
           const Expression* epilogue = nullptr) {
  const RunOptions options{
      .real_size = real_size, .lay = Lay::channels_last, .constants = true, .epilogue = epilogue};
  return run_primitive(compiler, c, options).at(0);
}

}  // namespace

TEST_CASE("Winograd's filtering gives the adjoint of a 3x3 convolution, nearly as exactly as sums do") {
  const auto fast = make_onednn_compiler(), exact = make_reference_compiler_f64();
  for (const Adjoint& a : adjoints()) {
    INFO(a.name);
    const Tensor expected = run(*exact, case_of(a, false), 8);
    // Of the largest entry. Direct sums of so many terms are off by some 4e-7.
    CHECK(distance(run(*fast, case_of(a, true), 4), expected) < 2e-6);
    CHECK(distance(run(*fast, case_of(a, true), 4), run(*fast, case_of(a, false), 4)) > 0);
  }
}

TEST_CASE("Winograd's filtering gives a convolution with its bias, and with what cuts it off") {
  const auto fast = make_onednn_compiler(), exact = make_reference_compiler_f64();
  const Expression relu{Expression::Domain::real, {{Opcode::relu, {Source::Kind::input}, {}, {}}}, {0}};
  const Window window{{3, 3}, {1, 1}, {1, 1}, {0, 2}, {1, 1}};
  const Shape shape{2, 32, 9, 14}, places = window_output(window, std::span(shape).subspan(2));
  const PrimitiveCase c{"",
                        Convolution{window, 1, true},
                        {random_tensor(shape, 1), random_tensor({48, 32, 3, 3}, 2), random_tensor({48}, 3)},
                        {{{2, 48, places[0], places[1]}, DType::f32}}};
  const Tensor expected = run(*exact, c, 8);
  CHECK(distance(run(*fast, c, 4), expected) < 2e-6);  // of the largest entry

  CHECK(distance(run(*fast, c, 4, &relu), rectified(expected)) < 2e-6);
}

TEST_CASE("Winograd's filtering repeats itself bit by bit") {
  const auto fast = make_onednn_compiler();
  const PrimitiveCase c = case_of(adjoints()[1], true);
  CHECK(distance(run(*fast, c, 4), run(*fast, c, 4)) == 0);
}

}  // namespace onnxray::test
