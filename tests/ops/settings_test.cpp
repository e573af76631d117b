#include <limits>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {
namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t kHuge = int64_t{1} << 62, kLeast = std::numeric_limits<int64_t>::min();

TEST_CASE("an attribute far beyond every tensor is refused by name", "[ops]") {
  const auto image = [](const char* op, int64_t opset) {
    return OneNode(op, opset).input(counting({1, 4, 4, 4}));
  };
  for (const int64_t value : {kHuge, kLeast}) {
    CHECK_THAT(image("DepthToSpace", 13).attr("blocksize", value).error(), Catch::Contains("'blocksize' is"));
    CHECK_THAT(image("SpaceToDepth", 13).attr("blocksize", value).error(), Catch::Contains("'blocksize' is"));
    CHECK_THAT(image("MaxPool", 12).attr("kernel_shape", Ints{value, 1}).error(),
               Catch::Contains("'kernel_shape' has an entry"));
    CHECK_THAT(image("LRN", 13).attr("size", value).error(), Catch::Contains("'size' is"));
    CHECK_THAT(image("GroupNormalization", 21).attr("num_groups", value).error(),
               Catch::Contains("'num_groups' is"));
    CHECK_THAT(image("Transpose", 13).attr("perm", Ints{0, 1, 2, value}).error(), Catch::Contains("'perm'"));
    CHECK_THAT(image("Split", 18).attr("num_outputs", value).error(), Catch::Contains("'num_outputs' is"));
  }
}

TEST_CASE("windows of settings at their bounds are counted without overflow", "[ops]") {
  const auto conv = [](const char* name, int64_t value) {
    return OneNode("ConvTranspose", 11)
        .attr(name, Ints{value, 1})
        .input(counting({1, 1, 2, 2}))
        .input(counting({1, 1, 2, 2}));
  };
  CHECK_THAT(conv("strides", kHuge).error(), Catch::Contains("'strides' has an entry"));
  CHECK_THAT(conv("output_padding", kHuge).error(), Catch::Contains("'output_padding' has an entry"));
  const Tensor rows = counting({1, 2, 1});
  CHECK_THAT(OneNode("MaxUnpool", 11)
                 .attr("kernel_shape", Ints{2})
                 .attr("strides", Ints{kHuge})
                 .input(rows)
                 .input(rows.to(DType::i64))
                 .error(),
             Catch::Contains("'strides' has an entry"));
  CHECK_THAT(OneNode("Col2Im", 18).input(rows).constant({1, kHuge}).constant({1, 2}).error(),
             Catch::Contains("image_shape has an entry"));
}

TEST_CASE("shape operands far beyond every tensor are refused", "[ops]") {
  const auto row = [](const char* op, int64_t opset) { return OneNode(op, opset).input(counting({4})); };
  CHECK_THAT(row("Tile", 13).constant({kHuge}).error(), Catch::Contains("repeats has an entry"));
  CHECK_THAT(OneNode("Tile", 13).input(counting({512})).constant({int64_t{1} << 48}).error(),
             Catch::Contains("too large to count"));
  CHECK_THAT(row("Pad", 13).constant({kHuge, kHuge}).error(), Catch::Contains("pads has an entry"));
  CHECK_THAT(row("Pad", 13).constant({kLeast, 0}).error(), Catch::Contains("pads has an entry"));
  CHECK_THAT(row("Expand", 13).constant({kHuge, 4}).error(), Catch::Contains("shape has an entry"));
  CHECK_THAT(row("CenterCropPad", 18).constant({kLeast}).error(), Catch::Contains("shape has an entry"));
  CHECK_THAT(row("TopK", 11).constant({kHuge}).outputs(2).error(), Catch::Contains("k has an entry"));
}

TEST_CASE("scales that are no numbers, or make no extents, are refused", "[ops]") {
  const auto resized = [](double scale) {
    return OneNode("Resize", 19)
        .input(counting({1, 4}))
        .omit()
        .constant(Tensor::of<double>({2}, {1, scale}))
        .error();
  };
  CHECK_THAT(resized(std::numeric_limits<double>::quiet_NaN()), Catch::Contains("not positive"));
  for (const double scale : {1e30, std::numeric_limits<double>::infinity()})
    CHECK_THAT(resized(scale), Catch::Contains("no extent"));
}

TEST_CASE("operands of too low a rank, or empty ones, are refused", "[ops]") {
  const Tensor number = Tensor::scalar(1.0), image = counting({1, 1, 4, 4});
  CHECK_THAT(OneNode("RoiAlign", 16)
                 .attr("sampling_ratio", int64_t{1})
                 .input(image)
                 .input(number)
                 .input(Tensor::scalar(int64_t{0}))
                 .error(),
             Catch::Contains("at least 1 axes"));
  CHECK_THAT(OneNode("STFT", 17).input(counting({1, 8, 1})).constant({2}).input(number).error(),
             Catch::Contains("at least 1 axes"));
  CHECK_THAT(OneNode("Trilu", 14).input(counting({2, 2})).constant(Ints{}).error(),
             Catch::Contains("one number"));
  CHECK_THAT(
      OneNode("Pad", 13).input(counting({2})).constant({1, 1}).constant(Tensor(DType::f64, {0})).error(),
      Catch::Contains("one number"));
  CHECK_THAT(OneNode("LinearRegressor", 1, "ai.onnx.ml")
                 .attr("coefficients", std::vector<double>{1})
                 .input(number)
                 .error(),
             Catch::Contains("no table"));
  CHECK_THAT(OneNode("DeformConv", 19)
                 .attr("strides", Ints{1})
                 .input(image)
                 .input(counting({1, 1, 1, 1}))
                 .input(counting({1, 2, 4, 4}))
                 .error(),
             Catch::Contains("'strides' has 1 entries"));
}

TEST_CASE("integers that are values, not settings, may be any", "[ops]") {
  CHECK(OneNode("Constant", 13).attr("value_int", kLeast).run().as_int64(0) == kLeast);
  const Tensor sliced =
      OneNode("Slice", 1).attr("starts", Ints{1}).attr("ends", Ints{kHuge}).input(counting({4})).run();
  CHECK(sliced.shape() == Shape{3});
  CHECK(OneNode("Shape", 15).attr("end", kHuge).input(counting({2, 3})).run().to_int64s() == Ints{2, 3});
  const Tensor counted = OneNode("Range", 11)
                             .constant(Tensor::scalar(kLeast))
                             .constant(Tensor::scalar(std::numeric_limits<int64_t>::max()))
                             .constant(Tensor::scalar(kHuge))
                             .run();
  CHECK(counted.to_int64s() == Ints{kLeast, -kHuge, 0, kHuge});
}

TEST_CASE("an output that an operator does not have is refused", "[ops]") {
  CHECK_THAT(OneNode("LSTM", 14)
                 .input(counting({1, 1, 1}))
                 .input(counting({1, 4, 1}))
                 .input(counting({1, 4, 1}))
                 .outputs(4)
                 .error(),
             Catch::Contains("output 3 is not available"));
}

}  // namespace
}  // namespace onnxray
