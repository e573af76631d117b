#include "backends/onednn/split_geometry.h"

#include <algorithm>

namespace onnxray::onednn {

namespace {

/// What a block of one or two vectors takes of the time of a whole one: reads outnumber multiplications.
constexpr double kVectorCost[] = {0, 0.42, 0.67, 1};
/// What gathering the places once more takes of the time of a block.
constexpr double kGatherCost = 0.04;

/// In whole blocks.
double cost_of_blocks(const SplitGeometry& s, Share share) {
  double cost = 0;
  for (int64_t block = share.first; block < share.last; ++block)
    cost += kVectorCost[(s.places_of(block) + kSplitLanes - 1) / kSplitLanes];
  return cost;
}

}  // namespace

int64_t SplitGeometry::places_of(int64_t block) const {
  return std::min(kSplitPlaces, places() - block * kSplitPlaces);
}

SplitGeometry::Start SplitGeometry::start_of(int64_t place) const {
  Start start;
  for (size_t a = 3; a-- > 0; place /= y[a]) start.at[a] = place % y[a] * stride[a] - pad[a];
  start.sample = place;
  return start;
}

SplitGeometry::Axes SplitGeometry::reach_of(int64_t tap) const {
  return {tap / (kernel[1] * kernel[2]) * dilation[0], tap / kernel[2] % kernel[1] * dilation[1],
          tap % kernel[2] * dilation[2]};
}

SplitGeometry turned_geometry(const Window& window, const Shape& g, const Shape& x) {
  Window w = window;
  for (size_t i = 0; i < w.kernel.size(); ++i)
    w.pads_begin[i] = w.dilations[i] * (w.kernel[i] - 1) - w.pads_begin[i];
  return {w, g, x};
}

Share share_of(int64_t items, int64_t shares, int64_t i) {
  return {items * i / shares, items * (i + 1) / shares};
}

SplitCut choose_cut(const SplitGeometry& s, int64_t threads) {
  SplitCut best;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t n = 1; n <= threads; ++n) {
    if (threads % n != 0) continue;
    const SplitCut cut{n, threads / n};
    double most = 0;
    for (int64_t i = 0; i < n; ++i) most = std::max(most, cost_of_blocks(s, share_of(s.blocks(), n, i)));
    const int64_t groups = (s.groups() + cut.of_results - 1) / cut.of_results;
    const double cost = most * (static_cast<double>(groups) / static_cast<double>(s.groups()) + kGatherCost);
    if (cost >= least) continue;
    least = cost;
    best = cut;
  }
  return best;
}

}  // namespace onnxray::onednn
