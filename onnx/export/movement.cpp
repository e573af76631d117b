#include <algorithm>

#include "onnx/export/translate.h"

namespace onnxray::exporting {

Values write_reshape(const Reshape& p, const Translation& t) { return {t.w.reshape(t.in[0], p.shape)}; }

Values write_transpose(const Transpose& p, const Translation& t) {
  return {t.w.transpose(t.in[0], p.permutation)};
}

Values write_broadcast(const Broadcast& p, const Translation& t) { return {t.w.expand(t.in[0], p.shape)}; }

Values write_slice(const Slice& p, const Translation& t) {
  return {t.w.slice(t.in[0], p.starts, p.steps, p.shape)};
}

namespace {

/// Puts step - 1 fillers behind every entry along `axis`, but none behind the last.
Value spread(Writer& w, const Value& x, size_t axis, int64_t step, double fill) {
  const size_t rank = x.shape.size();
  Shape split = x.shape, joined = x.shape;
  split.insert(split.begin() + static_cast<int64_t>(axis) + 1, 1);
  joined[axis] *= step;
  std::vector<int64_t> none(rank + 1, 0), behind(rank + 1, 0), starts(rank, 0), ones(rank, 1);
  behind[axis + 1] = step - 1;
  const Value wide = w.reshape(w.pad(w.reshape(x, split), none, behind, fill), joined);
  Shape cut = joined;
  cut[axis] = std::max<int64_t>(joined[axis] - (step - 1), 0);
  return w.slice(wide, starts, ones, cut);
}

}  // namespace

/// A negative step is the positive one over the reversed axis; a step above 1 spreads first; the rest is Pad.
Values write_place(const Place& p, const Translation& t) {
  Value x = t.in[0];
  std::vector<int64_t> starts = p.starts, begin, end;
  for (size_t i = 0; i < p.steps.size(); ++i) {
    int64_t step = p.steps[i];
    if (step < 0) {
      std::vector<int64_t> from(x.shape.size(), 0), by(x.shape.size(), 1);
      from[i] = x.shape[i] - 1;
      by[i] = -1;
      starts[i] += (x.shape[i] - 1) * step;
      x = t.w.slice(x, from, by, x.shape);
      step = -step;
    }
    if (step > 1 && x.shape[i] > 1) x = spread(t.w, x, i, step, p.fill);
    begin.push_back(starts[i]);
    end.push_back(p.shape[i] - starts[i] - x.shape[i]);
  }
  return {t.w.pad(x, begin, end, p.fill)};
}

Values write_concat(const Concat& p, const Translation& t) {
  Values parts;
  for (const Value& x : t.in) parts.push_back(t.w.cast(x, kind_of(t.dtypes[0])));
  return {t.w.node("Concat", parts, parts[0].kind, t.shapes[0], {{"axis", p.axis}})};
}

}  // namespace onnxray::exporting
