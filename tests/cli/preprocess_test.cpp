#include "cli/preprocess.h"

#include "cli/to_tensor.h"
#include "core/error.h"
#include "tests/catch.h"

namespace onnxray::cli {
namespace {

TEST_CASE("an image becomes (pixel * scale - mean) / std in the declared layout and colour order") {
  Image image(1, 2, 3);
  image.pixels = {10, 20, 30, 40, 50, 60};
  const Preprocess rgb = parse_preprocess(
      R"({"layout": "NCHW", "color": "RGB", "scale": 0.1, "mean": [1, 2, 3], "std": [1, 2, 1]})", "test");
  const Tensor planes = image_to_tensor(image, rgb, {-1, 3, 1, 2});
  CHECK(planes.shape() == Shape{1, 3, 1, 2});
  const std::vector<double> expected{0, 3, 0, 1.5, 0, 3};
  for (size_t i = 0; i < expected.size(); ++i)
    CHECK(planes.as_double(static_cast<int64_t>(i)) == Approx(expected[i]).margin(1e-6));

  const Preprocess bgr = parse_preprocess(R"({"layout": "NHWC", "color": "BGR", "scale": 1})", "test");
  const Tensor pixels = image_to_tensor(image, bgr, {-1, 1, 2, 3});
  CHECK(pixels.to_doubles() == std::vector<double>{30, 20, 10, 60, 50, 40});
}

TEST_CASE("no preprocessing leaves bytes and sizes as they are") {
  Image image(1, 2, 1);
  image.pixels = {10, 200};
  const Preprocess none = load_preprocess("none");
  CHECK(image_to_tensor(image, none, {-1, 1, 1, 2}).to_doubles() == std::vector<double>{10, 200});
  CHECK(image_to_tensor(image, none, {-1, 1, -1, -1}).shape() == Shape{1, 1, 1, 2});
  CHECK_THROWS_WITH(image_to_tensor(image, none, {-1, 1, 4, 4}), Catch::Contains("4 x 4"));
  CHECK(value_range(none, 1).high == std::vector<double>{255});
}

TEST_CASE("rows of a table are time steps in either layout") {
  const Tensor table = Tensor::of<float>({3, 2}, {1, 10, 2, 20, 3, 30});
  CHECK(table_to_tensor(table, parse_preprocess(R"({"layout": "NCT"})", "test"), {-1, 2, 3}).to_doubles() ==
        std::vector<double>{1, 2, 3, 10, 20, 30});
  CHECK(table_to_tensor(table, parse_preprocess(R"({"layout": "NTC"})", "test"), {-1, 3, 2}).to_doubles() ==
        std::vector<double>{1, 10, 2, 20, 3, 30});
}

TEST_CASE("an unknown key or value in a preprocessing file names the valid ones") {
  CHECK_THROWS_WITH(parse_preprocess(R"({"colour": "RGB"})", "m.json"), Catch::Contains("color"));
  CHECK_THROWS_WITH(parse_preprocess(R"({"layout": "CHW"})", "m.json"), Catch::Contains("NCHW"));
  CHECK_THROWS_AS(parse_preprocess("{", "m.json"), Error);
  CHECK_THROWS_WITH(load_preprocess("imagenet"), Catch::Contains("torchvision"));
}

TEST_CASE("null is the same as leaving a key out") {
  CHECK(parse_preprocess(R"({"layout": "NCHW", "crop": null, "mean": null})", "test") ==
        parse_preprocess(R"({"layout": "NCHW"})", "test"));
}

}  // namespace
}  // namespace onnxray::cli
