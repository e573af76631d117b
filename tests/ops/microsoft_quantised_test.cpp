#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

using Doubles = std::vector<double>;

OneNode quantised(const std::string& op) { return OneNode(op, 1, "com.microsoft"); }
Tensor bytes(Shape shape, const std::vector<uint8_t>& values) {
  return Tensor::of<uint8_t>(std::move(shape), values);
}
Tensor signed_bytes(Shape shape, const std::vector<int8_t>& values) {
  return Tensor::of<int8_t>(std::move(shape), values);
}
Tensor number(double value) { return Tensor::of<double>({}, {value}); }

void check_close(const Tensor& y, const Doubles& expected, double tolerance) {
  REQUIRE(y.size() == static_cast<int64_t>(expected.size()));
  for (int64_t i = 0; i < y.size(); ++i)
    CHECK(std::abs(y.as_double(i) - expected[static_cast<size_t>(i)]) <= tolerance);
}

TEST_CASE("a dynamically quantised LSTM gives what ONNX Runtime gives", "[ops]") {
  const std::vector<int8_t> w{29,  31,  29, -80, 82,  10, 72,  -42, -25, 68,  -57, -79, -23, 32,  -68, 66,
                              -29, -50, 8,  71,  69,  66, -35, -87, 50,  37,  48,  -90, -84, 0,   -30, -12,
                              77,  -54, 5,  -32, -37, 55, -63, -34, -69, -64, -40, 35,  14,  -10, -60, 53};
  const std::vector<int8_t> r{53, -48, -80, -33, -64, 53,  3,  1,  -38, 1,   84,  -48, 48,  -88, -34, 77,
                              66, -75, 61,  62,  -9,  -24, 86, 81, 31,  -19, -53, 78,  -42, 10,  31,  -47};
  const auto outputs =
      quantised("DynamicQuantizeLSTM")
          .attr("hidden_size", int64_t{2})
          .attr("direction", std::string("bidirectional"))
          .input({3, 2, 3}, {-0.8, -1.32, -0.25, 0.42, 1.14, 0.11, -0.55, -0.78, 0.75, 1.63, 0.27, -1.23,
                             -0.96, 1.6, 0.2, -1.73, -0.08, -1.16})
          .constant(signed_bytes({2, 3, 8}, w))
          .constant(signed_bytes({2, 2, 8}, r))
          .input({2, 16}, {0.73,  0.19,  0.25, 0.25,  -0.18, -0.02, 0.41,  -0.12, 0.06,  -0.01, 0.18,
                           -0.11, -0.05, 0.07, 0.03,  -0.26, 0.27,  -0.39, -0.36, -0.38, 0.29,  -0.11,
                           -0.29, -0.34, 0.13, -0.32, -0.38, 0.18,  -0.36, -0.1,  0,     -0.13})
          .omit()
          .omit()
          .omit()
          .omit()
          .constant(
              Tensor::of<double>({2, 8}, {0.0149, 0.0069, 0.0132, 0.0066, 0.0091, 0.0057, 0.0136, 0.0133,
                                          0.0064, 0.0103, 0.0076, 0.0099, 0.0105, 0.0061, 0.0136, 0.0078}))
          .constant(signed_bytes({2, 8}, std::vector<int8_t>(16, 0)))
          .constant(
              Tensor::of<double>({2, 8}, {0.0095, 0.0056, 0.005, 0.007, 0.0084, 0.0143, 0.0139, 0.0098,
                                          0.0095, 0.0117, 0.0136, 0.0084, 0.0129, 0.009, 0.0109, 0.0124}))
          .constant(signed_bytes({2, 8}, std::vector<int8_t>(16, 0)))
          .outputs(3)
          .run_all();
  // What ONNX Runtime 1.32 gives in float with one thread; more threads part the batch, and each part of h
  // gets a grid of its own.
  check_close(outputs[0], {0.3799224,   -0.1828659,  -0.06770293, 0.06167983,  -0.009555193, -0.08500146,
                           -0.2168625,  -0.1200028,  0.2922512,   -0.3420967,  0.4411764,    0.06588507,
                           -0.09753092, -0.02075012, -0.01320882, -0.05177988, -0.07292325,  0.07351066,
                           -0.1224547,  0.345352,    -0.1373507,  -0.03754083, 0.1258695,    -0.1666508},
              1e-6);
  check_close(outputs[2],
              {-0.3790417, 0.1514486, -0.3241653, 0.6490659, -0.03751913, -0.1245083, -0.6810434, -0.4576545},
              1e-6);
}

TEST_CASE("a quantised Gemm counts its bias in steps of the product, alpha among them", "[ops]") {
  // 0.5 * (2 * 0.5) * (3 * 0.25) + 7 * (0.5 * 0.5 * 0.25)
  const Tensor y = quantised("QGemm")
                       .attr("alpha", 0.5)
                       .constant(bytes({1, 1}, {12}))
                       .constant(number(0.5))
                       .constant(bytes({}, {10}))
                       .constant(bytes({1, 1}, {8}))
                       .constant(number(0.25))
                       .constant(bytes({}, {5}))
                       .constant(Tensor::of<int32_t>({1}, {7}))
                       .run();
  CHECK(y.as_double(0) == 0.5 * 1 * 0.75 + 7 * 0.0625);
}

TEST_CASE("a quantised attention is the attention over real numbers", "[ops]") {
  std::vector<uint8_t> x(12), w(48);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>((i * 37) % 256);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<uint8_t>((i * 91) % 256);
  const Tensor bias = wavy({12}, 3);
  const auto real = [](const Shape& shape, const std::vector<uint8_t>& q, double zero, double scale) {
    Doubles values;
    for (const uint8_t v : q) values.push_back((v - zero) * scale);
    return Tensor::of<double>(shape, values);
  };
  const Tensor y = quantised("QAttention")
                       .attr("num_heads", int64_t{2})
                       .constant(bytes({1, 3, 4}, x))
                       .constant(bytes({4, 12}, w))
                       .input(bias)
                       .constant(number(0.02))
                       .constant(number(0.01))
                       .omit()
                       .constant(bytes({}, {100}))
                       .constant(bytes({}, {120}))
                       .run();
  const Tensor expected = quantised("Attention")
                              .attr("num_heads", int64_t{2})
                              .input(real({1, 3, 4}, x, 100, 0.02))
                              .input(real({4, 12}, w, 120, 0.01))
                              .input(bias)
                              .run();
  check_close(y, expected.to_doubles(), 1e-12);
}

TEST_CASE("what selects, averages and normalises quantised values does so in real numbers", "[ops]") {
  const auto triple = [](OneNode node, const Tensor& x) {
    return node.constant(x).constant(number(0.5)).constant(bytes({}, {10}));
  };
  const auto ended = [](OneNode node) {
    return node.constant(number(0.25)).constant(bytes({}, {100})).run();
  };
  const Tensor x = bytes({1, 2, 2}, {10, 12, 14, 16});  // 0, 1, 2, 3
  const OneNode mean = quantised("QLinearReduceMean").attr("axes", std::vector<int64_t>{2});
  CHECK(ended(triple(mean, x)).to_int64s() == std::vector<int64_t>{102, 110});
  const OneNode where =
      quantised("QLinearWhere").constant(Tensor::of<uint8_t>({2}, {1, 0}).to(DType::boolean));
  CHECK(ended(triple(triple(where, bytes({2}, {12, 12})), bytes({2}, {20, 20}))).to_int64s() ==
        std::vector<int64_t>{104, 120});
  // Flattened to rows of 4 before opset 13: all probabilities of equal scores are 1/4, one step.
  const auto softmax = [&](int64_t opset) {
    const OneNode node = quantised("QLinearSoftmax").attr("axis", int64_t{1}).attr("opset", opset);
    return ended(triple(node, bytes({1, 2, 2}, {10, 10, 10, 10}))).to_int64s();
  };
  CHECK(softmax(12) == std::vector<int64_t>{101, 101, 101, 101});
  CHECK(softmax(13) == std::vector<int64_t>{102, 102, 102, 102});
  const OneNode pool = quantised("QLinearGlobalAveragePool").attr("channels_last", int64_t{1});
  CHECK(ended(triple(pool, bytes({1, 2, 1, 2}, {10, 20, 14, 24}))).to_int64s() ==
        std::vector<int64_t>{104, 124});
}

TEST_CASE("quantised tables and norms give the embedding of the real ones", "[ops]") {
  const Tensor ids = Tensor::of<int32_t>({1, 2}, {1, 0});
  const auto table = [](std::vector<uint8_t> q) { return bytes({2, 2}, std::move(q)); };
  OneNode node = quantised("QEmbedLayerNormalization").constant(ids).omit();
  node.constant(table({3, 9, 27, 4})).constant(table({8, 1, 5, 30})).omit();
  node.constant(bytes({2}, {4, 6})).constant(bytes({2}, {1, 2})).omit();
  for (const double scale : {0.5, 0.25}) node.constant(number(scale));
  node.omit();
  for (const double scale : {0.5, 2.0}) node.constant(number(scale));
  for (int i = 0; i < 2; ++i) node.constant(bytes({}, {2}));
  node.omit();
  for (int i = 0; i < 2; ++i) node.constant(bytes({}, {1}));
  const auto real = [](Doubles values) { return Tensor::of<double>({2, 2}, values); };
  const Tensor expected = quantised("EmbedLayerNormalization")
                              .constant(ids)
                              .omit()
                              .input(real({0.5, 3.5, 12.5, 1}))
                              .input(real({1.5, -0.25, 0.75, 7}))
                              .omit()
                              .input({2}, {1.5, 2.5})
                              .input({2}, {0, 2})
                              .run();
  check_close(node.run(), expected.to_doubles(), 1e-12);
}

}  // namespace
}  // namespace onnxray
