#include <algorithm>
#include <numeric>

#include "core/checked.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

// Putting columns, winners and crops back into a larger tensor.

// The adjoint of taking blocks: each block is added where it came from. Blocks are what a convolution with
// one filter for each tap would yield, so this is its adjoint.
void lower_col2im(LowerContext& c) {
  Builder& b = c.b;
  const Shape image = c.int_constants(1, "image_shape"),
              block = c.int_constants(2, "block_shape", kPositiveSetting);
  const size_t rank = image.size();
  require(block.size() == rank && c.shape(0).size() == 3, ErrorCode::bad_file,
          "columns {} of blocks {} in an image {}", to_string(c.shape(0)), to_string(block),
          to_string(image));
  Window w{block,
           ints_for_each(c.node, "strides", rank, 1, kPositiveSetting),
           ints_for_each(c.node, "dilations", rank, 1, kPositiveSetting),
           {},
           {}};
  const std::vector<int64_t> pads = ints_for_each(c.node, "pads", 2 * rank, 0);
  w.pads_begin.assign(pads.begin(), pads.begin() + static_cast<int64_t>(rank));
  w.pads_end.assign(pads.begin() + static_cast<int64_t>(rank), pads.end());
  const Shape columns = c.shape(0), places = window_output(w, image);
  const int64_t taps = element_count(block), channels = taps > 0 ? columns[1] / taps : 0;
  require(channels > 0 && channels * taps == columns[1] && element_count(places) == columns[2],
          ErrorCode::bad_file, "columns {} where {} blocks of {} elements are needed", to_string(columns),
          element_count(places), taps);
  b.claim(element_count({columns[1], taps}));
  std::vector<double> one_tap_each(static_cast<size_t>(element_count({channels, taps, taps})), 0);
  for (int64_t i = 0; i < channels * taps; ++i) one_tap_each[static_cast<size_t>(i * taps + i % taps)] = 1;
  Shape weight{channels * taps, 1}, blocks{columns[0], columns[1]}, out{columns[0], channels};
  weight.insert(weight.end(), block.begin(), block.end());
  blocks.insert(blocks.end(), places.begin(), places.end());
  out.insert(out.end(), image.begin(), image.end());
  const Var filters = b.constant(Tensor::of<double>(weight, one_tap_each).to(b.dtype(c.input(0))));
  c.set(0, b.convolution_input(b.reshape(c.input(0), blocks), filters, w, channels, out));
}

// Each x goes to the flat place that MaxPool noted; 0 elsewhere.
void lower_max_unpool(LowerContext& c) {
  Builder& b = c.b;
  const Shape x = c.shape(0), kernel = c.ints_attr("kernel_shape", kPositiveSetting);
  const size_t rank = kernel.size();
  require(x.size() == rank + 2 && c.shape(1) == x, ErrorCode::bad_file,
          "x {} with indices {} and a window {}", to_string(x), to_string(c.shape(1)), to_string(kernel));
  const auto strides = ints_for_each(c.node, "strides", rank, 1, kPositiveSetting),
             pads = ints_for_each(c.node, "pads", 2 * rank, 0);
  Shape pooled{x[0], x[1]};
  for (size_t i = 0; i < rank; ++i) {
    const int64_t reached = checked_sum(checked_product(x[i + 2] - 1, strides[i]), kernel[i]);
    pooled.push_back(checked_difference(reached, pads[i] + pads[i + rank]));
  }
  const Var zeros = b.filled(0, {element_count(pooled)}, b.dtype(c.input(0)));
  const int64_t n = element_count(x);
  const Var written = b.scatter_elements(ScatterElements::Kind::replace, zeros, b.reshape(c.input(1), {n}),
                                         b.reshape(c.input(0), {n}), 0);
  const Var y = b.reshape(written, pooled);
  if (!c.has(2)) return c.set(0, y);
  const Shape wanted = c.int_constants(2, "output_shape");
  require(wanted.size() == pooled.size(), ErrorCode::bad_file, "output_shape {} for {}", to_string(wanted),
          to_string(pooled));
  c.set(0,
        b.place(y, std::vector<int64_t>(wanted.size(), 0), std::vector<int64_t>(wanted.size(), 1), wanted));
}

// Cuts or pads each axis to its new extent, the odd element at the end.
void lower_center_crop_pad(LowerContext& c) {
  Builder& b = c.b;
  Var x = c.input(0);
  const std::vector<int64_t> wanted = c.int_constants(1, "shape");
  std::vector<int64_t> axes = c.ints_attr("axes");
  if (axes.empty()) {
    axes.resize(b.rank(x));
    std::iota(axes.begin(), axes.end(), 0);
  }
  require(axes.size() == wanted.size(), ErrorCode::bad_file, "{} extents for {} axes", wanted.size(),
          axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = normalise_axis(axes[i], b.rank(x));
    Shape shape = b.shape(x);
    const int64_t have = shape[static_cast<size_t>(axis)], want = wanted[i];
    if (want <= have) {
      x = b.slice_axis(x, axis, (have - want) / 2, (have - want) / 2 + want);
      continue;
    }
    std::vector<int64_t> starts(shape.size(), 0);
    starts[static_cast<size_t>(axis)] = (want - have) / 2;
    shape[static_cast<size_t>(axis)] = want;
    x = b.place(x, starts, std::vector<int64_t>(shape.size(), 1), shape);
  }
  c.set(0, x);
}

// The slices where the condition holds.
void lower_compress(LowerContext& c) {
  Builder& b = c.b;
  const Tensor& keep = c.constant(1, "condition");
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < keep.size(); ++i) {
    if (keep.as_int64(i) != 0) kept.push_back(i);
  }
  const bool flat = !c.has_attr("axis");
  const Var x = flat ? b.reshape(c.input(0), {element_count(c.shape(0))}) : c.input(0);
  const int64_t axis = flat ? 0 : normalise_axis(c.int_attr("axis", 0), b.rank(x));
  require(kept.empty() || kept.back() < b.shape(x)[static_cast<size_t>(axis)], ErrorCode::bad_file,
          "its condition holds at {}, beyond the end of axis {}", kept.empty() ? 0 : kept.back(), axis);
  c.set(0, b.gather(x, b.constant(Tensor::of<int64_t>({static_cast<int64_t>(kept.size())}, kept)), axis));
}

// The places [rank, count] of what is not 0, in row-major order.
void lower_non_zero(LowerContext& c) {
  const Tensor& x = c.constant(0, "operand");
  const Shape shape = x.shape();
  c.b.claim(x.size() * std::ssize(shape));
  std::vector<std::vector<int64_t>> places(shape.size());
  for (int64_t i = 0; i < x.size(); ++i) {
    if (is_floating(x.dtype()) ? x.as_double(i) == 0 : x.as_int64(i) == 0) continue;
    int64_t rest = i;
    for (size_t a = shape.size(); a-- > 0; rest /= shape[a]) places[a].push_back(rest % shape[a]);
  }
  std::vector<int64_t> all;
  for (const auto& of_axis : places) all.insert(all.end(), of_axis.begin(), of_axis.end());
  const auto rank = static_cast<int64_t>(shape.size());
  const auto count = rank == 0 ? int64_t{0} : static_cast<int64_t>(places[0].size());
  c.set(0, c.b.constant(Tensor::of<int64_t>({rank, count}, all)));
}

// y[i] = x[0] x[1] ... x[i], one product after the other
void lower_cum_prod(LowerContext& c) {
  Builder& b = c.b;
  const int64_t axis = normalise_axis(c.int_constant(1, "axis"), b.rank(c.input(0)));
  const int64_t n = c.shape(0)[static_cast<size_t>(axis)];
  constexpr int64_t kMost = 1024;
  require(n > 0 && n <= kMost, ErrorCode::unsupported, "{} factors: only 1 to {} are supported", n, kMost);
  const bool exclusive = c.int_attr("exclusive", 0) != 0, reverse = c.int_attr("reverse", 0) != 0;
  std::vector<Var> parts(static_cast<size_t>(n));
  Var product;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = reverse ? n - 1 - i : i;
    const Var factor = b.slice_axis(c.input(0), axis, at, at + 1);
    const Var before = product ? product : b.filled(1, b.shape(factor), b.dtype(factor));
    product = product ? b.mul(product, factor) : factor;
    parts[static_cast<size_t>(at)] = exclusive ? before : product;
  }
  c.set(0, b.concat(parts, axis));
}

}  // namespace

std::vector<OpDef> fold_ops() {
  using enum RelevanceClass;
  return {
      may_add({"", "Col2Im", {18}, lower_col2im, routing, {1, 2}}),
      {"", "MaxUnpool", {9, 11, 22}, lower_max_unpool, routing, {2}},
      {"", "CenterCropPad", {18}, lower_center_crop_pad, routing, {1}},
      {"", "Compress", {9, 11, 28}, lower_compress, routing, {1}},
      {"", "NonZero", {9, 13}, lower_non_zero, none, {0}},
      {"", "CumProd", {26}, lower_cum_prod, sum, {1}},
  };
}

}  // namespace onnxray
