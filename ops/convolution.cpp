#include <algorithm>

#include "core/fail.h"
#include "ops/families.h"
#include "ops/window.h"

namespace onnxray {

namespace {

Shape kernel_of(const LowerContext& c) {
  const Shape& w = c.shape(1);
  require(w.size() >= 3, ErrorCode::bad_file, "a convolution weight of shape {}", to_string(w));
  return {w.begin() + 2, w.end()};
}

/// Negative pads crop the input; windows know only padding.
Var crop(Builder& b, Var x, Window& w) {
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    const int64_t extent = b.shape(x)[i + 2];
    const int64_t begin = std::max<int64_t>(0, -w.pads_begin[i]), end = extent - std::max<int64_t>(0, -w.pads_end[i]);
    x = b.slice_axis(x, axis, begin, end);
    w.pads_begin[i] = std::max<int64_t>(0, w.pads_begin[i]);
    w.pads_end[i] = std::max<int64_t>(0, w.pads_end[i]);
  }
  return x;
}

void lower_conv(LowerContext& c) {
  Window w = read_window(c, c.shape(0), kernel_of(c));
  const Var x = crop(c.b, c.input(0), w);
  c.set(0, c.b.convolution(x, c.input(1), c.optional(2), w, c.int_attr("group", 1)));
}

/// y is the x-shaped side of a convolution that would map y to our x:
/// out = stride * (in - 1) + output_padding + dilation * (kernel - 1) + 1 - pads
void lower_conv_transpose(LowerContext& c) {
  const Shape &x = c.shape(0), &weight = c.shape(1);
  Window w = read_window(c, x, kernel_of(c));
  const size_t rank = w.kernel.size();
  const int64_t groups = c.int_attr("group", 1);
  std::vector<int64_t> extra = c.ints_attr("output_padding");
  extra.resize(rank, 0);
  const std::vector<int64_t> wanted = c.ints_attr("output_shape");
  const std::string auto_pad = c.string_attr("auto_pad", "NOTSET");
  const bool same = auto_pad.starts_with("SAME");
  Shape out{x[0], weight[1] * groups};
  for (size_t i = 0; i < rank; ++i) {
    const int64_t full = w.strides[i] * (x[i + 2] - 1) + extra[i] + w.dilations[i] * (w.kernel[i] - 1) + 1;
    if (!wanted.empty() || same) {
      const int64_t target = wanted.empty() ? x[i + 2] * w.strides[i] : wanted[wanted.size() - rank + i];
      const int64_t total = std::max<int64_t>(0, full - target);
      w.pads_begin[i] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.pads_end[i] = total - w.pads_begin[i];
      out.push_back(target);
    } else {
      out.push_back(full - w.pads_begin[i] - w.pads_end[i]);
    }
    // The matching convolution over `out` must give exactly x's extent.
    w.pads_end[i] = (x[i + 2] - 1) * w.strides[i] + w.dilations[i] * (w.kernel[i] - 1) + 1 - out[i + 2] - w.pads_begin[i];
  }
  Builder& b = c.b;
  // Padding beyond the last window (output_padding) would be negative pads_end: compute without it, then append zeros.
  Shape computed = out;
  std::vector<int64_t> zeros(out.size(), 0), ones(out.size(), 1);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t surplus = std::max<int64_t>(0, -w.pads_end[i]);
    computed[i + 2] -= surplus;
    w.pads_end[i] += surplus;
  }
  Var y = b.place(b.convolution_input(c.input(0), c.input(1), w, groups, computed), zeros, ones, out);
  if (c.has(2)) {
    Shape channel(out.size(), 1);
    channel[1] = out[1];
    y = b.add(y, b.reshape(c.input(2), channel));
  }
  c.set(0, y);
}

}  // namespace

std::vector<OpDef> convolution_ops() {
  return {
      {"", "Conv", {1, 11, 22}, lower_conv, RelevanceClass::linear},
      {"", "ConvTranspose", {1, 11, 22}, lower_conv_transpose, RelevanceClass::linear},
  };
}

}  // namespace onnxray
