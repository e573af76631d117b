#include "cli/picture.h"

#include "cli/colormap.h"
#include "core/error.h"
#include "tests/catch.h"

namespace onnxray::cli {
namespace {

int64_t lightness(Rgb c) { return c[0] + c[1] + c[2]; }

TEST_CASE("the colour map is neutral at zero, red above, blue below, and darkens on both sides") {
  const Rgb zero = diverging(0);
  CHECK(zero[0] == zero[2]);
  for (double v = 0.1; v <= 1; v += 0.1) {
    const Rgb up = diverging(v), down = diverging(-v);
    CHECK(up[0] > up[2]);
    CHECK(down[2] > down[0]);
    CHECK(lightness(up) < lightness(diverging(v - 0.1)));
    CHECK(lightness(down) < lightness(diverging(0.1 - v)));
  }
  CHECK(diverging(7) == diverging(1));
}

TEST_CASE("a map of zeros is drawn neutral, and scaling a map changes nothing") {
  const Tensor input = Tensor::filled(DType::f32, {1, 1, 4, 4}, 0.5);
  Tensor map = Tensor::filled(DType::f32, {1, 1, 4, 4}, 0);
  const PictureOptions options{.layout = "NCHW"};
  const Image neutral = draw_attribution(input, map, options);
  const Rgb zero = diverging(0);
  const uint8_t* inside = neutral.at(neutral.height / 2, neutral.width * 3 / 4);
  CHECK(Rgb{inside[0], inside[1], inside[2]} == zero);

  map.mutable_data<float>()[5] = 1;
  map.mutable_data<float>()[6] = -0.5F;
  const Image small = draw_attribution(input, map, options);
  for (float& v : map.mutable_data<float>()) v *= 1000;
  CHECK(draw_attribution(input, map, options) == small);
  CHECK_FALSE(small == neutral);
}

TEST_CASE("several maps make a larger picture than one, and a series has one too") {
  const Tensor input(DType::f32, {1, 1, 50}), map = Tensor::filled(DType::f32, {1, 1, 50}, 1);
  const Captioned captioned[] = {{"gradient", map}, {"lrp_z", map}};
  const PictureOptions options{.layout = "NCT"};
  const Image one = draw_picture(input, std::span(captioned).first(1), options),
              two = draw_picture(input, captioned, options);
  CHECK(two.height > one.height);
}

TEST_CASE("what has no picture is refused with a message") {
  CHECK_THROWS_AS(draw_attribution(Tensor(), Tensor(DType::f32, {2, 3, 4, 5, 6, 7}), {}), Error);
}

}  // namespace
}  // namespace onnxray::cli
