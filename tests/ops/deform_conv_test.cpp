#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

using Ints = std::vector<int64_t>;

const Tensor kImage = wavy({1, 4, 5, 6}, 1), kWeight = wavy({4, 2, 3, 2}, 2), kBias = wavy({4}, 3);

OneNode with_geometry(const std::string& op) {
  return OneNode(op, op == "Conv" ? 11 : 19)
      .attr("group", int64_t{2})
      .attr("strides", Ints{2, 1})
      .attr("dilations", Ints{1, 2})
      .attr("pads", Ints{1, 0, 1, 2});
}

/// Taps that all move by (dy, dx): [1, 2 groups * 6 taps * 2, 3, 6].
Tensor moved_by(double dy, double dx) {
  Tensor offset(DType::f64, {1, 24, 3, 6});
  for (int64_t i = 0; i < offset.size(); ++i)
    offset.mutable_data<double>()[static_cast<size_t>(i)] = i / 18 % 2 == 0 ? dy : dx;
  return offset;
}

void check_equal(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  // Places are found by way of [-1, 1] and back.
  for (int64_t i = 0; i < a.size(); ++i) CHECK(a.as_double(i) == Approx(b.as_double(i)).margin(1e-12));
}

TEST_CASE("a deformable convolution whose taps stay is a convolution; all moved by one, it reads beside") {
  const auto deformed = [&](double dy, double dx) {
    return with_geometry("DeformConv")
        .attr("offset_group", int64_t{2})
        .input(kImage)
        .input(kWeight)
        .input(moved_by(dy, dx))
        .input(kBias)
        .run();
  };
  check_equal(deformed(0, 0), with_geometry("Conv").input(kImage).input(kWeight).input(kBias).run());
  // Moved down by one: the pads move up.
  check_equal(
      deformed(1, 0),
      with_geometry("Conv").attr("pads", Ints{0, 0, 2, 2}).input(kImage).input(kWeight).input(kBias).run());
}

TEST_CASE("a tap between pixels reads their mean; the mask weighs taps") {
  // One tap at the place (0, 0.5) of the row (2, 4), which counts 3 times.
  const Tensor y = OneNode("DeformConv", 19)
                       .input({1, 1, 1, 2}, {2, 4})
                       .input({1, 1, 1, 1}, {10})
                       .input({1, 2, 1, 2}, {0, 0, 0.5, 0})
                       .omit()
                       .input({1, 1, 1, 2}, {3, 1})
                       .run();
  CHECK(y.as_double(0) == Approx(90));
  CHECK(y.as_double(1) == Approx(40));
}

}  // namespace
}  // namespace onnxray
