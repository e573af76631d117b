#include "ops/window.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

namespace {

int64_t reach(const Window& w, size_t i) { return w.dilations[i] * (w.kernel[i] - 1) + 1; }

/// SAME: ceil(in / stride) outputs, the padding split evenly; the odd element goes to the end (UPPER) or the
/// start.
void pad_same(Window& w, std::span<const int64_t> in, bool upper) {
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t out = (in[i] + w.strides[i] - 1) / w.strides[i];
    const int64_t total = std::max<int64_t>(0, (out - 1) * w.strides[i] + reach(w, i) - in[i]);
    w.pads_begin[i] = upper ? total / 2 : total - total / 2;
    w.pads_end[i] = total - w.pads_begin[i];
  }
}

/// ceil(room / stride) + 1 windows. The last may hang over the end, but must start inside the input or its
/// left padding.
void round_up(Window& w, std::span<const int64_t> in) {
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t room = in[i] + w.pads_begin[i] + w.pads_end[i] - reach(w, i);
    if (room <= -w.strides[i]) continue;  // not even one window
    int64_t out = (room + w.strides[i] - 1) / w.strides[i] + 1;
    if ((out - 1) * w.strides[i] >= in[i] + w.pads_begin[i]) --out;
    w.pads_end[i] += std::max<int64_t>(0, (out - 1) * w.strides[i] - room);
  }
}

}  // namespace

Window read_window(const LowerContext& context, const Shape& x, Shape kernel, bool ceil_mode) {
  require(x.size() >= 3, ErrorCode::bad_file, "a sliding window needs [N, C, spatial...], not {}",
          to_string(x));
  const size_t rank = x.size() - 2;
  const std::span<const int64_t> in = std::span(x).subspan(2);
  require(kernel.size() == rank, ErrorCode::bad_file, "attribute 'kernel_shape' is {}, expected {} entries",
          to_string(kernel), rank);
  require_within(kPositiveSetting, kernel, "attribute 'kernel_shape'");
  const Node& node = context.node;
  Window w{std::move(kernel), ints_for_each(node, "strides", rank, 1, kPositiveSetting),
           ints_for_each(node, "dilations", rank, 1, kPositiveSetting), Shape(rank, 0), Shape(rank, 0)};
  const std::string auto_pad = context.string_attr("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    pad_same(w, in, auto_pad == "SAME_UPPER");
  } else if (auto_pad == "NOTSET" || auto_pad.empty()) {
    const std::vector<int64_t> pads = ints_for_each(node, "pads", 2 * rank, 0);
    w.pads_begin.assign(pads.begin(), pads.begin() + static_cast<int64_t>(rank));
    w.pads_end.assign(pads.begin() + static_cast<int64_t>(rank), pads.end());
  } else {
    require(auto_pad == "VALID", ErrorCode::bad_file,
            "unknown auto_pad '{}'; it is one of NOTSET, SAME_UPPER, SAME_LOWER, VALID", auto_pad);
  }
  if (ceil_mode) round_up(w, in);
  return w;
}

}  // namespace onnxray
