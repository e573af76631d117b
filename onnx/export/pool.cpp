#include <limits>

#include "core/fail.h"
#include "onnx/export/translate.h"

namespace onnxray::exporting {

namespace {

/// ONNX Runtime takes pads below the kernel's extent only.
bool pads_fit(const Window& window) {
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    for (const int64_t p : {window.pads_begin[i], window.pads_end[i]}) {
      if (p < 0 || p >= window.kernel[i]) return false;
    }
  }
  return true;
}

std::vector<int64_t> full_rank(const std::vector<int64_t>& spatial) {
  std::vector<int64_t> all{0, 0};
  all.insert(all.end(), spatial.begin(), spatial.end());
  return all;
}

std::vector<int64_t> negated(std::vector<int64_t> values) {
  for (int64_t& v : values) v = -v;
  return values;
}

/// What the pool runs over: x, or x with padding that ONNX does not take as an attribute. Winners index it.
Shape pooled_shape(const Window& window, Shape x) {
  if (pads_fit(window)) return x;
  for (size_t i = 0; i < window.kernel.size(); ++i) x[i + 2] += window.pads_begin[i] + window.pads_end[i];
  return x;
}

Value with_pads(Writer& w, const Value& x, const Window& window, double fill) {
  return pads_fit(window) ? x : w.pad(x, full_rank(window.pads_begin), full_rank(window.pads_end), fill);
}

Attributes attributes_of(const Window& window) {
  std::vector<int64_t> pads(2 * window.kernel.size(), 0);
  if (pads_fit(window)) {
    pads = window.pads_begin;
    pads.insert(pads.end(), window.pads_end.begin(), window.pads_end.end());
  }
  return {{"kernel_shape", window.kernel},
          {"strides", window.strides},
          {"dilations", window.dilations},
          {"pads", pads}};
}

/// Only winners that a MaxPool of the same model found are flat indices.
void require_winner(const Value& value) {
  require(value.is_winner, ErrorCode::unsupported,
          "cannot be exported: the winners of a max-pool come from outside the program");
}

/// Sums over windows are convolutions by ones, each channel by itself.
Value ones(Writer& w, const Window& window) {
  Shape shape{1, 1};
  shape.insert(shape.end(), window.kernel.begin(), window.kernel.end());
  return w.expand(w.scalar(1, Kind::real), shape);
}

/// [N, C, ..] as [N C, 1, ..].
Shape by_plane(Shape shape) {
  shape[0] *= shape[1];
  shape[1] = 1;
  return shape;
}

}  // namespace

Values write_max_pool(const MaxPool& p, const Translation& t) {
  const Value x =
      with_pads(t.w, t.w.cast(t.in[0], Kind::real), p.window, -std::numeric_limits<double>::infinity());
  Values results{{{}, Kind::real, t.shapes[0]}};
  if (t.reads_winner) results.push_back({{}, Kind::integer, t.shapes[1], true});
  results = t.w.nodes("MaxPool", {x}, results, attributes_of(p.window));
  if (!t.reads_winner) results.push_back({});
  return results;
}

/// Winners are flat indices, so their scatter is one over a single axis.
Values write_max_pool_scatter(const MaxPoolScatter& p, const Translation& t) {
  require_winner(t.in[1]);
  const Shape whole = pooled_shape(p.window, p.shape);
  const Value zeros = t.w.expand(t.w.scalar(0, Kind::real), {element_count(whole)});
  const Shape flat{element_count(t.in[0].shape)};
  const Value y =
      t.w.node("ScatterElements", {zeros, t.w.reshape(t.in[1], flat), t.w.reshape(t.in[0], flat)}, Kind::real,
               zeros.shape, {{"axis", int64_t{0}}, {"reduction", std::string("add")}});
  const Value shaped = t.w.reshape(y, whole);
  if (pads_fit(p.window)) return {shaped};
  return {t.w.pad(shaped, full_rank(negated(p.window.pads_begin)), full_rank(negated(p.window.pads_end)), 0)};
}

Values write_max_pool_gather(const MaxPoolGather& p, const Translation& t) {
  require_winner(t.in[1]);
  const Value x = with_pads(t.w, t.in[0], p.window, 0);
  return {t.w.node("Gather", {t.w.reshape(x, {element_count(x.shape)}), t.in[1]}, x.kind, t.shapes[0],
                   {{"axis", int64_t{0}}})};
}

Values write_sum_pool(const SumPool& p, const Translation& t) {
  const Value x = t.w.reshape(t.in[0], by_plane(t.in[0].shape));
  return {t.w.reshape(convolve(t.w, x, ones(t.w, p.window), nullptr, p.window, 1, by_plane(t.shapes[0])),
                      t.shapes[0])};
}

Values write_sum_pool_input(const SumPoolInput& p, const Translation& t) {
  const Value g = t.w.reshape(t.in[0], by_plane(t.in[0].shape));
  return {t.w.reshape(convolve_adjoint(t.w, g, ones(t.w, p.window), p.window, 1, by_plane(t.shapes[0])),
                      t.shapes[0])};
}

}  // namespace onnxray::exporting
