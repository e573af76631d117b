#include "backends/cudnn/convolution_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"

namespace onnxray::cudnn {

namespace {

bool all_equal(const Shape& values, int64_t value) {
  return std::ranges::all_of(values, [&](int64_t v) { return v == value; });
}

bool is_row_major(const Operand& x) { return same_layout(x.shape, x.strides, row_major_strides(x.shape)); }

/// A convolution along one axis is one along two, the first of extent 1.
void add_axis(ConvolutionShape& s) {
  for (Shape* shape : {&s.x, &s.y, &s.w}) shape->insert(shape->begin() + 2, 1);
  s.strides.insert(s.strides.begin(), 1);
  s.dilations.insert(s.dilations.begin(), 1);
  s.pads.insert(s.pads.begin(), 0);
}

}  // namespace

Strides data_strides(const Shape& shape, bool channels_last) {
  return channels_last ? channels_last_strides(shape) : row_major_strides(shape);
}

std::optional<ConvolutionShape> ConvolutionShape::rotated() const {
  if (groups != 1 || !all_equal(strides, 1)) return std::nullopt;
  ConvolutionShape r = *this;
  std::swap(r.x, r.y);
  std::swap(r.w[0], r.w[1]);
  for (size_t a = 0; a < pads.size(); ++a) {
    r.pads[a] = dilations[a] * (w[2 + a] - 1) - pads[a];
    if (r.pads[a] < 0) return std::nullopt;
  }
  return r;
}

bool ConvolutionShape::is_pointwise() const {
  return groups == 1 && all_equal(strides, 1) && all_equal(pads, 0) &&
         std::all_of(w.begin() + 2, w.end(), [](int64_t k) { return k == 1; });
}

std::optional<ConvolutionShape> ConvolutionShape::thinned() const {
  if (all_equal(strides, 1)) return std::nullopt;
  ConvolutionShape t = *this;
  t.strides.assign(strides.size(), 1);
  for (size_t a = 2; a < x.size(); ++a) t.x[a] = y[a];
  return t.is_pointwise() ? std::optional(t) : std::nullopt;
}

std::string ConvolutionShape::to_text() const {
  return fmt::format("x={} w={} strides={} dilations={} pads={} groups={} {}", x, w, strides, dilations, pads,
                     groups, channels_last ? "channels-last" : "channels-first");
}

std::optional<ConvolutionProblem> convolution_problem(const Window& window, int64_t groups, const Operand& x,
                                                      const Operand& w, const Operand& y) {
  for (const Operand* o : {&x, &w, &y}) {
    if (!is_floating(o->dtype) || element_count(o->shape) == 0) return std::nullopt;
  }
  if (!is_row_major(w) || window.kernel.empty() || window.kernel.size() > 3) return std::nullopt;
  ConvolutionProblem problem;
  ConvolutionShape& s = problem.shape;
  if (!is_row_major(x) || !is_row_major(y)) {
    if (!is_channels_last(x) || !is_channels_last(y)) return std::nullopt;
    s.channels_last = true;
  }
  s.x = x.shape;
  s.y = y.shape;
  s.w = w.shape;
  s.strides = window.strides;
  s.dilations = window.dilations;
  s.groups = groups;
  UnevenPadding uneven{x.shape, std::vector<int64_t>(x.shape.size(), 0)};
  for (size_t a = 0; a < window.kernel.size(); ++a) {
    const int64_t begin = window.pads_begin[a], end = window.pads_end[a], even = std::min(begin, end);
    if (even < 0) return std::nullopt;
    s.pads.push_back(even);
    uneven.first[2 + a] = begin - even;
    uneven.padded[2 + a] += begin + end - 2 * even;
  }
  if (uneven.padded != x.shape) {
    s.x = uneven.padded;
    problem.padding = std::move(uneven);
  }
  if (window.kernel.size() == 1) add_axis(s);
  return problem;
}

}  // namespace onnxray::cudnn
