#include "core/checked.h"
#include "ops/expand.h"
#include "ops/families.h"

namespace onnxray {

namespace {

struct Geometry {
  Shape x, w;  ///< [N,C,H,W], [M,C/groups,kh,kw]
  int64_t out_h, out_w;
  std::vector<int64_t> strides, dilations, pads;
  int64_t taps() const { return checked_product(w[2], w[3]); }
  int64_t places() const { return checked_product(out_h, out_w); }
};

Geometry geometry_of(const ExpandContext& c) {
  const Shape &x = c.shape(0), &w = c.shape(1), &offset = c.shape(2);
  require(x.size() == 4 && w.size() == 4 && offset.size() == 4, ErrorCode::unsupported,
          "an image {}, a weight {} and offsets {}: only two spatial axes are supported", to_string(x),
          to_string(w), to_string(offset));
  return {x,
          w,
          offset[2],
          offset[3],
          ints_for_each(c.node, "strides", 2, 1, kPositiveSetting),
          ints_for_each(c.node, "dilations", 2, 1, kPositiveSetting),
          ints_for_each(c.node, "pads", 4, 0)};
}

/// Where each tap of each place reads without offsets, (y, x): [1,taps,2,places].
Tensor base_of(const Geometry& g) {
  const auto place = [&](int64_t window, int64_t tap, size_t axis) {
    return static_cast<double>(window) * static_cast<double>(g.strides[axis]) -
           static_cast<double>(g.pads[axis]) +
           static_cast<double>(tap) * static_cast<double>(g.dilations[axis]);
  };
  std::vector<double> base;
  for (int64_t tap = 0; tap < g.taps(); ++tap) {
    const int64_t ky = tap / g.w[3], kx = tap % g.w[3];
    for (int64_t p = 0; p < g.places(); ++p) base.push_back(place(p / g.out_w, ky, 0));
    for (int64_t p = 0; p < g.places(); ++p) base.push_back(place(p % g.out_w, kx, 1));
  }
  return Tensor::of<double>({1, g.taps(), 2, g.places()}, base);
}

// Every tap is sampled at its own place, base + offset, as GridSample does; over the samples [N,C*taps,..]
// the weight is a convolution by 1 x 1.
void expand_deform_conv(ExpandContext& c) {
  const Geometry g = geometry_of(c);
  const DType real = c.dtype(0);
  const int64_t parts = int_attribute(c.node, "offset_group", 1, kPositiveSetting),
                n = checked_product(g.x[0], parts), K = g.taps(), P = g.places();
  const auto number = [&](std::vector<double> values, Shape shape) {
    return c.constant(Tensor::of<double>(std::move(shape), values).to(real));
  };
  const auto h = static_cast<double>(g.x[2]), w = static_cast<double>(g.x[3]);
  const ValueId offset = c.add("Reshape", {c.input(2), c.ints({n, K, 2, P})});
  const ValueId at = c.add("Add", {offset, c.constant(base_of(g).to(real))});
  // In [-1, 1] between the outer edges: (2 at + 1) / size - 1.
  const ValueId scaled = c.add("Mul", {at, number({2 / h, 2 / w}, {1, 1, 2, 1})});
  const ValueId normal = c.add("Add", {scaled, number({1 / h - 1, 1 / w - 1}, {1, 1, 2, 1})});
  const ValueId x_first = c.add("Gather", {normal, c.ints({1, 0})}, {{"axis", int64_t{2}}});
  const ValueId grid = c.add("Transpose", {x_first}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
  const ValueId image = c.add("Reshape", {c.input(0), c.ints({n, g.x[1] / parts, g.x[2], g.x[3]})});
  ValueId taps = c.add("GridSample", {image, grid}, {{"mode", std::string("linear")}});
  if (c.has(4)) {
    const ValueId mask = c.add("Reshape", {c.input(4), c.ints({n, 1, K, P})});
    taps = c.add("Mul", {mask, taps}, {{"signal", int64_t{1}}});
  }
  const ValueId columns =
      c.add("Reshape", {taps, c.ints({g.x[0], checked_product(g.x[1], K), g.out_h, g.out_w})});
  const ValueId weight = c.add("Reshape", {c.input(1), c.ints({g.w[0], checked_product(g.w[1], K), 1, 1})});
  std::vector<ValueId> operands{columns, weight};
  if (c.has(3)) operands.push_back(c.input(3));
  c.set(0, c.add("Conv", operands, {{"group", int_attribute(c.node, "group", 1)}}));
}

}  // namespace

std::vector<OpDef> deform_conv_ops() { return {assembly("", "DeformConv", {19, 22}, expand_deform_conv)}; }

}  // namespace onnxray
