#include <cmath>
#include <numbers>

#include "core/checked.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

constexpr double kPi = std::numbers::pi;

/// a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n)
template <int which>
void lower_window(LowerContext& c) {
  constexpr double kTerms[][3] = {{0.5, 0.5, 0}, {25.0 / 46, 21.0 / 46, 0}, {0.42, 0.5, 0.08}};
  const auto& a = kTerms[which];
  const int64_t size = c.int_constant(0, "size", {0, int64_t{1} << 30});
  c.b.claim(size);
  const auto n = static_cast<double>(c.int_attr("periodic", 1) != 0 ? size : size - 1);
  std::vector<double> values;
  for (int64_t i = 0; i < size; ++i) {
    const double phase = 2 * kPi * static_cast<double>(i) / n;
    values.push_back(a[0] - a[1] * std::cos(phase) + a[2] * std::cos(2 * phase));
  }
  c.set(0, c.b.constant(
               Tensor::of<double>({size}, values).to(dtype_from_number(c.int_attr("output_datatype", 1)))));
}

struct Transform {
  int64_t length = 0, bins = 0;
  bool inverse = false;
};

/// cos or sin of 2 pi j k / length, [inputs, bins]
Tensor waves(const Transform& t, int64_t inputs, double (*f)(double), double factor, DType dtype) {
  std::vector<double> values;
  for (int64_t j = 0; j < inputs; ++j) {
    for (int64_t k = 0; k < t.bins; ++k)
      values.push_back(factor *
                       f(2 * kPi * static_cast<double>(j * k % t.length) / static_cast<double>(t.length)));
  }
  return Tensor::of<double>({inputs, t.bins}, values).to(dtype);
}

/// Y_k = sum over j of x_j e^(-2 pi i j k / n) of the last axis but one of x [..., n, 1 or 2], as
/// [..., bins, 2]; the inverse has +i and divides by n.
Var transform(Builder& b, Var x, const Transform& t) {
  const auto rank = static_cast<int64_t>(b.rank(x));
  const bool complex = b.shape(x).back() == 2;
  const int64_t inputs = std::min(b.shape(x)[static_cast<size_t>(rank - 2)], t.length);
  x = b.slice_axis(x, rank - 2, 0, inputs);  // a shorter length cuts, a longer one adds zeros
  const Shape shape = b.shape(x);
  const Shape rows(shape.begin(), shape.end() - 1);
  const auto part = [&](int64_t i) { return b.reshape(b.slice_axis(x, rank - 1, i, i + 1), rows); };
  b.claim(2 * element_count({inputs, t.bins}));
  const double factor = t.inverse ? 1 / static_cast<double>(t.length) : 1;
  const Var cos = b.constant(waves(t, inputs, std::cos, factor, b.dtype(x)));
  const Var sin = b.constant(waves(t, inputs, std::sin, t.inverse ? -factor : factor, b.dtype(x)));
  const auto times = [&](Var v, Var m) {
    return b.rank(v) == 1 ? b.matmul(b.reshape(v, {1, inputs}), m) : b.matmul(v, m);
  };
  // (a + b i)(cos - i sin) = a cos + b sin + i (b cos - a sin)
  Var real = times(part(0), cos), imaginary = b.neg(times(part(0), sin));
  if (complex) {
    real = b.add(real, times(part(1), sin));
    imaginary = b.add(imaginary, times(part(1), cos));
  }
  Shape out = rows;
  out.back() = t.bins;
  out.push_back(1);
  const Var both[] = {b.reshape(real, out), b.reshape(imaginary, out)};
  return b.concat(both, static_cast<int64_t>(out.size()) - 1);
}

void lower_dft(LowerContext& c) {
  Builder& b = c.b;
  const auto rank = static_cast<int64_t>(b.rank(c.input(0)));
  require(rank >= 2, ErrorCode::bad_file, "its operand {} has no axis of parts", to_string(c.shape(0)));
  const int64_t named = c.version >= 20 ? (c.has(2) ? c.int_constant(2, "axis") : -2) : c.int_attr("axis", 1);
  const int64_t axis = normalise_axis(named, static_cast<size_t>(rank));
  const bool onesided = c.int_attr("onesided", 0) != 0;
  Transform t{.length = c.has(1) ? c.int_constant(1, "dft_length", kPositiveSetting)
                                 : c.shape(0)[static_cast<size_t>(axis)],
              .bins = 0,
              .inverse = c.int_attr("inverse", 0) != 0};
  require(!(onesided && t.inverse), ErrorCode::unsupported, "the inverse of a onesided transform");
  require(t.length > 0, ErrorCode::bad_file, "a transform of length {}", t.length);
  t.bins = onesided ? t.length / 2 + 1 : t.length;
  std::vector<int64_t> swap(static_cast<size_t>(rank));
  for (int64_t a = 0; a < rank; ++a) swap[static_cast<size_t>(a)] = a;
  std::swap(swap[static_cast<size_t>(axis)], swap[static_cast<size_t>(rank - 2)]);
  const bool last = axis == rank - 2;
  const Var x = last ? c.input(0) : b.transpose(c.input(0), swap);
  const Var y = transform(b, x, t);
  c.set(0, last ? y : b.transpose(y, swap));
}

// signal [N,L,1 or 2] -> [N,frames,bins,2]: the transform of each frame under the window
void lower_stft(LowerContext& c) {
  Builder& b = c.b;
  const Shape signal = c.shape(0);
  require(signal.size() == 3 || signal.size() == 2, ErrorCode::bad_file, "a signal {}", to_string(signal));
  const Var x = signal.size() == 3 ? c.input(0) : b.reshape(c.input(0), {signal[0], signal[1], 1});
  const int64_t step = c.int_constant(1, "frame_step", kPositiveSetting);
  require(c.has(2) || c.has(3), ErrorCode::bad_file, "it names neither a window nor a frame_length");
  const int64_t length = c.has(3) ? c.int_constant(3, "frame_length", kPositiveSetting) : c.extent(2, 0);
  require(step > 0 && length > 0 && length <= signal[1], ErrorCode::bad_file, "frames of {} every {} in {}",
          length, step, signal[1]);
  const int64_t frames = 1 + (signal[1] - length) / step;
  b.claim(element_count({frames, length}));
  std::vector<int64_t> places;
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t i = 0; i < length; ++i) places.push_back(f * step + i);
  }
  Var framed = b.gather(x, b.constant(Tensor::of<int64_t>({frames, length}, places)), 1);
  if (c.has(2)) framed = b.mul(framed, b.reshape(c.input(2), {length, 1}));
  const bool onesided = c.int_attr("onesided", 1) != 0;
  c.set(0, transform(b, framed,
                     {.length = length, .bins = onesided ? length / 2 + 1 : length, .inverse = false}));
}

// Triangles between points that lie evenly on the mel scale 2595 log10(1 + f / 700), over the bins of a DFT.
void lower_mel_weights(LowerContext& c) {
  const int64_t mels = c.int_constant(0, "num_mel_bins", {1, 1 << 20}),
                length = c.int_constant(1, "dft_length", {1, 1 << 24}),
                rate = c.int_constant(2, "sample_rate", kPositiveSetting);
  const double low = c.real_constant(3, "lower_edge_hertz"), high = c.real_constant(4, "upper_edge_hertz");
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double step = (mel(high) - mel(low)) / static_cast<double>(mels + 2);
  const auto edge = [&](int64_t i) {
    const double hertz = 700 * (std::pow(10, (mel(low) + static_cast<double>(i) * step) / 2595) - 1);
    return checked_whole(std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate)),
                         "the bin of an edge");
  };
  const int64_t bins = length / 2 + 1;
  c.b.claim(bins * mels);
  std::vector<double> weights(static_cast<size_t>(bins * mels), 0);
  for (int64_t m = 0; m < mels; ++m) {
    const int64_t first = edge(m), centre = edge(m + 1), last = edge(m + 2);
    const auto set = [&](int64_t bin, double w) {
      if (bin >= 0 && bin < bins) weights[static_cast<size_t>(bin * mels + m)] = w;
    };
    if (first == centre) set(centre, 1);
    for (int64_t i = std::max<int64_t>(first, 0); first != centre && i <= std::min(centre, bins); ++i)
      set(i, static_cast<double>(i - first) / static_cast<double>(centre - first));
    for (int64_t i = std::max<int64_t>(centre, 0); last > centre && i < std::min(last, bins); ++i)
      set(i, static_cast<double>(last - i) / static_cast<double>(last - centre));
  }
  c.set(
      0,
      c.b.constant(
          Tensor::of<double>({bins, mels}, weights).to(dtype_from_number(c.int_attr("output_datatype", 1)))));
}

}  // namespace

std::vector<OpDef> signal_ops() {
  using enum RelevanceClass;
  return {
      {"", "HannWindow", {17}, lower_window<0>, none, {0}},
      {"", "HammingWindow", {17}, lower_window<1>, none, {0}},
      {"", "BlackmanWindow", {17}, lower_window<2>, none, {0}},
      {"", "DFT", {17, 20}, lower_dft, sum, {1, 2}},
      {"", "STFT", {17}, lower_stft, sum, {1, 3}},
      {"", "MelWeightMatrix", {17}, lower_mel_weights, none, {0, 1, 2, 3, 4}},
  };
}

}  // namespace onnxray
