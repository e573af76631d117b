#include <algorithm>

#include "onnx/export/translate.h"

namespace onnxray::exporting {

namespace {

std::vector<int64_t> joined(std::vector<int64_t> a, const std::vector<int64_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Attributes window_attributes(const Window& window, int64_t groups) {
  return {{"kernel_shape", window.kernel},
          {"strides", window.strides},
          {"dilations", window.dilations},
          {"pads", joined(window.pads_begin, window.pads_end)},
          {"group", groups}};
}

bool has_negative_pads(const Window& window) {
  const auto negative = [](int64_t p) { return p < 0; };
  return std::ranges::any_of(window.pads_begin, negative) || std::ranges::any_of(window.pads_end, negative);
}

Window without_pads(Window window) {
  std::ranges::fill(window.pads_begin, 0);
  std::ranges::fill(window.pads_end, 0);
  return window;
}

/// Spatial amounts as amounts per axis.
std::vector<int64_t> with_batch_and_channels(const std::vector<int64_t>& spatial) {
  return joined({0, 0}, spatial);
}

std::vector<int64_t> swapped(size_t rank) {
  std::vector<int64_t> permutation(rank);
  for (size_t i = 0; i < rank; ++i) permutation[i] = static_cast<int64_t>(i);
  std::swap(permutation[rank - 2], permutation[rank - 1]);
  return permutation;
}

Value taken(const WeightForm& form, const Value& b, Writer& w) {
  const auto with_zero = [&](const char* op) {
    return w.node(op, {b, w.scalar(0, Kind::real)}, Kind::real, b.shape);
  };
  switch (form.kind) {
    case WeightForm::Kind::whole: return b;
    case WeightForm::Kind::positive: return with_zero("Max");
    case WeightForm::Kind::negative: return with_zero("Min");
    case WeightForm::Kind::magnitude: return w.node("Abs", {b}, Kind::real, b.shape);
    case WeightForm::Kind::square: return w.node("Mul", {b, b}, Kind::real, b.shape);
    case WeightForm::Kind::raised: {
      const Value more =
          w.node("Mul", {with_zero("Max"), w.scalar(form.gamma, Kind::real)}, Kind::real, b.shape);
      return w.node("Add", {b, more}, Kind::real, b.shape);
    }
  }
  return b;
}

}  // namespace

Value convolve(Writer& w, const Value& x, const Value& weight, const Value* bias, const Window& window,
               int64_t groups, const Shape& result) {
  Values inputs{x, weight};
  Window held = window;
  if (has_negative_pads(window)) {
    inputs[0] =
        w.pad(x, with_batch_and_channels(window.pads_begin), with_batch_and_channels(window.pads_end), 0);
    held = without_pads(window);
  }
  if (bias) inputs.push_back(*bias);
  return w.node("Conv", inputs, Kind::real, result, window_attributes(held, groups));
}

/// ConvTranspose over n outputs spans (n - 1) stride + (k - 1) dilation + 1 places, of which the pads cut off
/// some; what lies beyond the last window is output padding. Where ONNX does not allow the amounts, the whole
/// span is computed and then cut or padded.
Value convolve_adjoint(Writer& w, const Value& g, const Value& weight, const Window& window, int64_t groups,
                       const Shape& result) {
  std::vector<int64_t> output_padding, cut;
  Shape whole{result[0], result[1]};
  bool fits = !has_negative_pads(window);
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    const int64_t span =
        (g.shape[i + 2] - 1) * window.strides[i] + (window.kernel[i] - 1) * window.dilations[i] + 1;
    whole.push_back(span);
    output_padding.push_back(result[i + 2] - span + window.pads_begin[i] + window.pads_end[i]);
    cut.push_back(result[i + 2] + window.pads_begin[i] - span);
    fits = fits && output_padding[i] >= 0 && output_padding[i] < window.strides[i];
  }
  Attributes attributes = window_attributes(fits ? window : without_pads(window), groups);
  if (fits) {
    attributes.emplace_back("output_padding", output_padding);
    return w.node("ConvTranspose", {g, weight}, Kind::real, result, attributes);
  }
  std::vector<int64_t> front;
  for (const int64_t p : window.pads_begin) front.push_back(-p);
  const Value span = w.node("ConvTranspose", {g, weight}, Kind::real, whole, attributes);
  return w.pad(span, with_batch_and_channels(front), with_batch_and_channels(cut), 0);
}

Values write_convolution(const Convolution& p, const Translation& t) {
  const Value weight = taken(p.form, t.in[1], t.w);
  return {
      convolve(t.w, t.in[0], weight, t.in.size() > 2 ? &t.in[2] : nullptr, p.window, p.groups, t.shapes[0])};
}

Values write_convolution_input(const ConvolutionInput& p, const Translation& t) {
  const Value weight = taken(p.form, t.in[1], t.w);
  return {convolve_adjoint(t.w, t.in[0], weight, p.window, p.groups, t.shapes[0])};
}

Values write_split_convolution(const SplitConvolution& p, const Translation& t) {
  const Value part = taken(p.part, t.in[1], t.w);
  const Value* bias = t.in.size() > 2 ? &t.in[2] : nullptr;
  return {convolve(t.w, t.in[0], t.in[1], bias, p.window, 1, t.shapes[0]),
          convolve(t.w, t.in[0], part, nullptr, p.window, 1, t.shapes[1])};
}

Values write_split_convolution_input(const SplitConvolutionInput& p, const Translation& t) {
  const auto back = [&](const Value& g, WeightForm::Kind kind) {
    return convolve_adjoint(t.w, g, taken({kind, 0}, t.in[2], t.w), p.window, 1, t.shapes[0]);
  };
  return {t.w.node("Add",
                   {back(t.in[0], WeightForm::Kind::positive), back(t.in[1], WeightForm::Kind::negative)},
                   Kind::real, t.shapes[0])};
}

/// dw[m,c,k] = sum over n, o of g[n,m,o] x[n,c,o stride + k dilation - pad]: a convolution in which batch and
/// channels change places, as do strides and dilations. With groups, x becomes [C/G, G N, ..] and the
/// convolution keeps the groups apart.
Values write_convolution_weight(const ConvolutionWeight& p, const Translation& t) {
  Writer& w = t.w;
  const Value &x = t.in[0], &g = t.in[1];
  const int64_t n = x.shape[0], channels = x.shape[1] / p.groups, outputs = g.shape[1];
  const auto spatial = [](const Shape& s) { return std::vector<int64_t>(s.begin() + 2, s.end()); };
  std::vector<int64_t> order{2, 1, 0}, first_two{1, 0};
  for (size_t i = 0; i < p.window.kernel.size(); ++i) {
    order.push_back(static_cast<int64_t>(i) + 3);
    first_two.push_back(static_cast<int64_t>(i) + 2);
  }
  const Value split = w.reshape(x, joined({n, p.groups, channels}, spatial(x.shape)));
  const Value rows = w.reshape(w.transpose(split, order), joined({channels, p.groups * n}, spatial(x.shape)));
  Window window = p.window;
  window.kernel = spatial(g.shape);
  std::swap(window.strides, window.dilations);
  const std::vector<int64_t> full = window_output(window, spatial(x.shape));
  const Value y = convolve(w, rows, w.transpose(g, first_two), nullptr, window, p.groups,
                           joined({channels, outputs}, full));
  const std::vector<int64_t> zeros(y.shape.size(), 0), ones(y.shape.size(), 1);
  const Value cut = w.slice(y, zeros, ones, joined({channels, outputs}, p.window.kernel));
  return {w.transpose(cut, first_two)};
}

Values write_form_products(const FormProducts& p, const Translation& t) {
  Values results;
  for (size_t i = 0; i < p.forms.size(); ++i) {
    const Value form = taken(p.forms[i], t.in.back(), t.w);
    results.push_back(
        t.w.node("Gemm", {t.in[i], form}, Kind::real, t.shapes[i], {{"transB", int64_t{p.transpose_b}}}));
  }
  return results;
}

Values write_matmul(const MatMul& p, const Translation& t) {
  Values in = t.in;
  in[1] = taken(p.form, in[1], t.w);
  const Value &a = in[0], &b = in[1];
  const bool biased = t.in.size() > 2;
  if (a.shape.size() == 2 && b.shape.size() == 2 && (!biased || t.in[2].shape.size() <= 2)) {
    return {t.w.node("Gemm", in, Kind::real, t.shapes[0],
                     {{"transA", int64_t{p.transpose_a}}, {"transB", int64_t{p.transpose_b}}})};
  }
  const auto oriented = [&](const Value& v, bool flip) {
    return flip ? t.w.transpose(v, swapped(v.shape.size())) : v;
  };
  const Value y =
      t.w.node("MatMul", {oriented(a, p.transpose_a), oriented(b, p.transpose_b)}, Kind::real, t.shapes[0]);
  return {biased ? t.w.node("Add", {y, t.in[2]}, Kind::real, t.shapes[0]) : y};
}

}  // namespace onnxray::exporting
