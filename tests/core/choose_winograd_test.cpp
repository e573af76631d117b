#include <algorithm>

#include "core/builder.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

TEST_CASE("Winograd's filtering is chosen for large 3x3 adjoints that are no denominators") {
  const auto marks = [](Shape x, Shape kernel, bool is_divided_by) {
    Program program;
    Builder b(program);
    const Shape half{kernel[0] / 2, kernel[1] / 2};
    const Var g = b.input("g", x, DType::f32), r = b.input("r", x, DType::f32);
    const Var w = b.constant(Tensor::filled(DType::f32, {x[1], x[1], kernel[0], kernel[1]}, 0.5));
    const Var c = b.convolution_input(g, w, {kernel, {1, 1}, {1, 1}, half, half}, 1, x);
    b.output("y", is_divided_by ? b.div(r, c) : b.mul(r, c));
    choose_winograd(program);
    return std::ranges::any_of(program.steps, [](const Step& step) {
      const auto* p = std::get_if<ConvolutionInput>(&step.primitive);
      return p && p->winograd;
    });
  };
  CHECK(marks({1, 64, 28, 28}, {3, 3}, false));
  CHECK_FALSE(marks({1, 64, 28, 28}, {3, 3}, true));
  CHECK_FALSE(marks({1, 64, 28, 28}, {5, 5}, false));
  CHECK_FALSE(marks({1, 24, 28, 28}, {3, 3}, false));
  CHECK_FALSE(marks({1, 512, 4, 4}, {3, 3}, false));  // the weights would be read for one tile
  CHECK(marks({32, 512, 4, 4}, {3, 3}, false));
}

TEST_CASE("Winograd's filtering is chosen for convolutions in loops alone") {
  for (const Block block : {Block::once, Block::repeat}) {
    Program program;
    Builder b(program);
    const Shape x{1, 64, 28, 28};
    const Var w = b.constant(Tensor::filled(DType::f32, {64, 64, 3, 3}, 0.5)),
              in = b.input("x", x, DType::f32);
    b.set_block(block);
    b.output("y", b.convolution(in, w, {}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1));
    choose_winograd(program);
    CHECK(std::get<Convolution>(program.steps.back().primitive).winograd == (block == Block::repeat));
    avoid_winograd(program);
    CHECK_FALSE(std::get<Convolution>(program.steps.back().primitive).winograd);
  }
}

}  // namespace
}  // namespace onnxray
