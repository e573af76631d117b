#include "tests/catch.h"
#include "tests/suite_gradients/check_gradient.h"

namespace onnxray {
namespace {

using Ints = std::vector<int64_t>;

Tensor ints(const Ints& values) { return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values); }

TEST_CASE("gradients of recurrent nodes equal central differences") {
  const Tensor x = wavy({3, 2, 2}, 1), h = wavy({1, 2, 2}, 6), c = wavy({1, 2, 2}, 7),
               lengths = Tensor::of<int32_t>({2}, {2, 3});
  check({
      {"", "RNN", 14, {}, {x, wavy({1, 2, 2}, 2), wavy({1, 2, 2}, 3), wavy({1, 4}, 4)}, {}, 2},
      {"with lengths and a state",
       "GRU",
       14,
       {},
       {x, wavy({1, 6, 2}, 2), wavy({1, 6, 2}, 3), wavy({1, 12}, 4), lengths, h},
       {},
       2},
      {"reset last, both directions",
       "GRU",
       14,
       {{"linear_before_reset", int64_t{1}}, {"direction", std::string("bidirectional")}},
       {x, wavy({2, 6, 2}, 2), wavy({2, 6, 2}, 3), wavy({2, 12}, 4)},
       {},
       2},
      {"with peepholes",
       "LSTM",
       14,
       {},
       {x, wavy({1, 8, 2}, 2), wavy({1, 8, 2}, 3), wavy({1, 16}, 4), lengths, h, c, wavy({1, 6}, 8)},
       {},
       3},
      {"backwards, batch first, coupled gates",
       "LSTM",
       14,
       {{"direction", std::string("reverse")}, {"layout", int64_t{1}}, {"input_forget", int64_t{1}}},
       {wavy({2, 3, 2}, 1), wavy({1, 8, 2}, 2), wavy({1, 8, 2}, 3)},
       {},
       3},
  });
}

TEST_CASE("gradients of losses equal central differences") {
  const Tensor labels = Tensor::of<int64_t>({3}, {1, 0, 3});
  check({
      {"", "NegativeLogLikelihoodLoss", 13, {}, {wavy({3, 4}, 1), labels, wavy({4}, 2, 0.3, 1)}},
      {"with an ignored label",
       "SoftmaxCrossEntropyLoss",
       13,
       {{"ignore_index", int64_t{3}}},
       {wavy({3, 4}, 1), labels},
       {},
       2},
  });
}

TEST_CASE("gradients of further activations, pools and norms equal central differences") {
  const Tensor x = wavy({2, 2, 5, 4}, 1), tokens = wavy({2, 3, 8}, 4);
  check({
      {"", "LpPool", 18, {{"kernel_shape", Ints{2, 2}}, {"p", int64_t{2}}}, {x}},
      {"of the third power", "GlobalLpPool", 2, {{"p", int64_t{3}}}, {x}},
      {"", "MeanVarianceNormalization", 13, {}, {x}},
      {"", "LpNormalization", 1, {{"axis", int64_t{1}}}, {x}},
      {"", "Shrink", 9, {{"lambd", 0.3}, {"bias", 0.1}}, {x}},
      {"", "SwiGLU", 28, {{"alpha", 0.7}}, {x, wavy({2, 2, 5, 4}, 2)}},
      {"", "SimplifiedLayerNormalization", 1, {}, {tokens, wavy({8}, 2, 0.2, 1)}},
      {"", "CumProd", 26, {}, {tokens, Tensor::scalar(int64_t{1})}},
  });
}

TEST_CASE("gradients of further movement equal central differences") {
  const Tensor x = wavy({3, 4, 2}, 1), image = wavy({1, 2, 4, 5}, 2);
  const Tensor index = Tensor::of<int64_t>({1, 2, 2}, {0, 3, 1, 0});
  const Tensor repeated = Tensor::of<int64_t>({1, 2, 2}, {0, 3, 0, 1});
  check({
      {"", "CastLike", 19, {}, {x, wavy({1}, 2)}},
      {"", "TopK", 11, {{"axis", int64_t{1}}}, {x, ints({2})}, {}, 2},
      {"", "Scatter", 9, {{"axis", int64_t{1}}}, {x, index, wavy({1, 2, 2}, 3)}},
      {"", "ScatterND", 18, {}, {x, Tensor::of<int64_t>({2, 1}, {2, 0}), wavy({2, 4, 2}, 3)}},
      {"largest",
       "ScatterElements",
       18,
       {{"axis", int64_t{1}}, {"reduction", std::string("max")}},
       {x, repeated, wavy({1, 2, 2}, 3)}},
      {"smallest",
       "ScatterND",
       18,
       {{"reduction", std::string("min")}},
       {x, Tensor::of<int64_t>({2, 1}, {2, 2}), wavy({2, 4, 2}, 3)}},
      {"product",
       "ScatterElements",
       18,
       {{"axis", int64_t{1}}, {"reduction", std::string("mul")}},
       {x, repeated, wavy({1, 2, 2}, 3)}},
      {"product with a factor of zero",
       "ScatterND",
       18,
       {{"reduction", std::string("mul")}},
       {Tensor::of<double>({2}, {0.5, 3}), Tensor::of<int64_t>({3, 1}, {0, 0, 1}),
        Tensor::of<double>({3}, {0, -2, 1.5})}},
      {"",
       "ReverseSequence",
       10,
       {{"time_axis", int64_t{1}}, {"batch_axis", int64_t{0}}},
       {x, ints({4, 2, 1})}},
      {"", "Upsample", 9, {}, {image, Tensor::of<float>({4}, {1, 1, 2, 2})}},
      {"", "RotaryEmbedding", 23, {}, {wavy({1, 2, 3, 4}, 1), wavy({1, 3, 2}, 2), wavy({1, 3, 2}, 3)}},
      {"of overlapping blocks",
       "Col2Im",
       18,
       {{"strides", Ints{1, 2}}, {"pads", Ints{0, 1, 0, 1}}},
       {wavy({1, 8, 9}, 1), ints({4, 4}), ints({2, 2})}},
      {"",
       "MaxUnpool",
       11,
       {{"kernel_shape", Ints{2}}, {"strides", Ints{2}}},
       {wavy({1, 1, 3}, 1), Tensor::of<int64_t>({1, 1, 3}, {1, 2, 5})}},
      {"that crops and pads", "CenterCropPad", 18, {}, {x, ints({2, 7, 2})}},
      {"",
       "Compress",
       11,
       {{"axis", int64_t{1}}},
       {x, Tensor::of<int64_t>({4}, {1, 0, 0, 1}).to(DType::boolean)}},
  });
}

TEST_CASE("gradients of sampling equal central differences, for the image and for the places") {
  const Tensor image = wavy({1, 2, 4, 5}, 2), grid = wavy({1, 3, 2, 2}, 3, 0.9);
  const auto grid_case = [&](const char* mode, const char* padding) {
    return GradientCase{std::string(mode) + " " + padding,
                        "GridSample",
                        20,
                        {{"mode", std::string(mode)}, {"padding_mode", std::string(padding)}},
                        {image, grid}};
  };
  const Tensor regions = Tensor::of<double>({2, 4}, {0.3, 0.7, 3.1, 2.9, 1.2, 0.4, 3.9, 3.3});
  const GradientCase regions_case{
      "",
      "RoiAlign",
      16,
      {{"output_height", int64_t{2}}, {"output_width", int64_t{2}}, {"sampling_ratio", int64_t{2}}},
      {image, regions, ints({0, 0})}};
  check({grid_case("linear", "zeros"),
         grid_case("linear", "reflection"),
         grid_case("cubic", "border"),
         grid_case("nearest", "zeros"),
         regions_case,
         {"at moved taps",
          "DeformConv",
          19,
          {{"offset_group", int64_t{2}}, {"pads", Ints{0, 1, 0, 0}}},
          {image, wavy({3, 2, 2, 2}, 3), wavy({1, 16, 3, 5}, 4, 0.4), wavy({3}, 5), wavy({1, 8, 3, 5}, 6)}},
         {"", "AffineGrid", 20, {}, {wavy({1, 2, 3}, 1), ints({1, 1, 3, 4})}}});
}

TEST_CASE("gradients of Fourier transforms equal central differences") {
  check({
      {"of real numbers", "DFT", 20, {{"onesided", int64_t{1}}}, {wavy({2, 6, 1}, 1)}},
      {"back", "DFT", 17, {{"inverse", int64_t{1}}, {"axis", int64_t{0}}}, {wavy({5, 3, 2}, 1)}},
      {"of frames", "STFT", 17, {}, {wavy({1, 12, 1}, 1), Tensor::scalar(int64_t{3}), wavy({4}, 2)}},
  });
}

}  // namespace
}  // namespace onnxray
