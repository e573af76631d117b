#include <algorithm>

#include "core/checked.h"
#include "ops/families.h"
#include "ops/window.h"

namespace onnxray {

namespace {

Shape kernel_of(const LowerContext& c) {
  const Shape& w = c.shape(1);
  require(w.size() >= 3, ErrorCode::bad_file, "a convolution weight of shape {}", to_string(w));
  const Shape kernel(w.begin() + 2, w.end()), stated = c.ints_attr("kernel_shape");
  require(stated.empty() || stated == kernel, ErrorCode::bad_file,
          "attribute 'kernel_shape' is {}, but the weight is {}", to_string(stated), to_string(w));
  return kernel;
}

/// Negative pads crop the input; windows know only padding.
Var crop(Builder& b, Var x, Window& w) {
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    const int64_t extent = b.shape(x)[i + 2];
    const int64_t begin = std::max<int64_t>(0, -w.pads_begin[i]),
                  end = extent - std::max<int64_t>(0, -w.pads_end[i]);
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

/// The entries of `name` for the last `rank` axes; `fallback` for each where the node has none. Lists of the
/// whole shape, batch and channel first, are accepted too: old exporters wrote output_shape so.
std::vector<int64_t> spatial_ints(const LowerContext& c, std::string_view name, size_t rank,
                                  int64_t fallback) {
  std::vector<int64_t> values = c.ints_attr(name, {0, kSetting.highest});
  if (values.empty()) values.assign(rank, fallback);
  require(values.size() == rank || values.size() == rank + 2, ErrorCode::bad_file,
          "attribute '{}' has {} entries, expected {}", name, values.size(), rank);
  return {values.end() - static_cast<int64_t>(rank), values.end()};
}

/// How far the windows of axis i reach that stand at `places` places.
int64_t reached_by(const Window& w, size_t i, int64_t places) {
  const int64_t window = w.dilations[i] * (w.kernel[i] - 1) + 1;  // settings: far from overflow
  return checked_sum(checked_product(w.strides[i], places - 1), window);
}

/// The spatial extents of a ConvTranspose's result; sets pads_begin where the node leaves the padding open.
/// out = stride * (in - 1) + output_padding + dilation * (kernel - 1) + 1 - pads
Shape transposed_extents(const LowerContext& c, Window& w) {
  const Shape& x = c.shape(0);
  const size_t rank = w.kernel.size();
  const std::vector<int64_t> extra = spatial_ints(c, "output_padding", rank, 0);
  const std::vector<int64_t> wanted = spatial_ints(c, "output_shape", rank, 0);
  const std::string auto_pad = c.string_attr("auto_pad", "NOTSET");
  const bool stated = c.has_attr("output_shape"), same = auto_pad.starts_with("SAME");
  Shape out;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t full = checked_sum(reached_by(w, i, x[i + 2]), extra[i]);
    if (!stated && !same) {
      out.push_back(full - w.pads_begin[i] - w.pads_end[i]);
      continue;
    }
    out.push_back(stated ? wanted[i] : checked_product(x[i + 2], w.strides[i]));
    const int64_t total = std::max<int64_t>(0, checked_difference(full, out[i]));
    w.pads_begin[i] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
  }
  return out;
}

/// y is the x-shaped side of a convolution that would map y to our x.
void lower_conv_transpose(LowerContext& c) {
  Builder& b = c.b;
  const Shape x = c.shape(0), weight = c.shape(1);
  const int64_t groups = c.int_attr("group", 1);
  Window w = read_window(c, x, kernel_of(c));
  require(groups > 0 && x[1] == weight[0], ErrorCode::bad_file, "an input {} with a weight {} in {} groups",
          to_string(x), to_string(weight), groups);
  Shape out = transposed_extents(c, w);
  out.insert(out.begin(), {x[0], checked_product(weight[1], groups)});
  Shape reached = out;
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    // The convolution over y must have exactly x's extent. What lies behind its last window (output_padding)
    // would be negative padding: compute without it, then append zeros.
    w.pads_end[i] = checked_difference(reached_by(w, i, x[i + 2]), checked_sum(out[i + 2], w.pads_begin[i]));
    const int64_t surplus = std::max<int64_t>(0, -w.pads_end[i]);
    reached[i + 2] -= surplus;
    w.pads_end[i] += surplus;
  }
  const Var y = b.convolution_input(c.input(0), c.input(1), w, groups, reached);
  const Var whole = b.place(y, std::vector<int64_t>(out.size(), 0), std::vector<int64_t>(out.size(), 1), out);
  if (!c.has(2)) return c.set(0, whole);
  Shape channel(out.size(), 1);
  channel[1] = out[1];
  c.set(0, b.add(whole, b.reshape(c.input(2), channel)));
}

}  // namespace

std::vector<OpDef> convolution_ops() {
  return {
      {"", "Conv", {1, 11, 22}, lower_conv, RelevanceClass::linear},
      {"", "ConvTranspose", {1, 11, 22}, lower_conv_transpose, RelevanceClass::linear},
  };
}

}  // namespace onnxray
