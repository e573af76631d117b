#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

TEST_CASE("the inverse transform of a transform is the signal, at any length") {
  for (const int64_t n : {1, 4, 7}) {
    const Tensor x = wavy({2, n, 1}, 1);
    const Tensor spectrum = OneNode("DFT", 20).input(x).run();
    CHECK(spectrum.shape() == Shape{2, n, 2});
    const Tensor back = OneNode("DFT", 20).attr("inverse", int64_t{1}).input(spectrum).run();
    for (int64_t i = 0; i < x.size(); ++i) {
      CHECK(back.as_double(2 * i) == Approx(x.as_double(i)));
      CHECK(std::fabs(back.as_double(2 * i + 1)) < 1e-12);  // sums of n products of numbers below one
    }
  }
}

TEST_CASE("a onesided transform is the first half of the whole one") {
  const Tensor x = wavy({1, 6, 1}, 1);
  const Tensor half = OneNode("DFT", 20).attr("onesided", int64_t{1}).input(x).run(),
               whole = OneNode("DFT", 20).input(x).run();
  CHECK(half.shape() == Shape{1, 4, 2});
  for (int64_t i = 0; i < half.size(); ++i) CHECK(half.as_double(i) == Approx(whole.as_double(i)));
}

TEST_CASE("a frame of the short-time transform is the transform of the frame under the window") {
  const Tensor x = wavy({1, 8, 1}, 1), window = wavy({4}, 2);
  const Tensor frames = OneNode("STFT", 17).input(x).constant(Tensor::scalar(int64_t{2})).input(window).run();
  CHECK(frames.shape() == Shape{1, 3, 3, 2});
  std::vector<double> second;
  for (int64_t i = 0; i < 4; ++i) second.push_back(x.as_double(2 + i) * window.as_double(i));
  const Tensor expected = OneNode("DFT", 20).attr("onesided", int64_t{1}).input({1, 4, 1}, second).run();
  for (int64_t i = 0; i < 6; ++i) CHECK(frames.as_double(6 + i) == Approx(expected.as_double(i)));
}

TEST_CASE("windows are symmetric, or the first period of a longer one") {
  const auto hann = [](int64_t n, int64_t periodic) {
    return OneNode("HannWindow", 17).attr("periodic", periodic).constant(Tensor::scalar(n)).run();
  };
  const Tensor symmetric = hann(5, 0), periodic = hann(4, 1);
  CHECK(symmetric.as_double(2) == Approx(1));
  CHECK(std::fabs(symmetric.as_double(4)) < 1e-7);  // stored in float32
  for (int64_t i = 0; i < 4; ++i) CHECK(periodic.as_double(i) == Approx(symmetric.as_double(i)).margin(1e-7));
}

}  // namespace
}  // namespace onnxray
