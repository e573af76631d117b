#include "cli/share_lost.h"

#include <algorithm>
#include <cmath>

namespace onnxray::cli {

std::vector<std::span<const Attribution>> by_method(const Explanations& explanations) {
  const std::span<const Attribution> all = explanations.attributions;
  std::vector<std::span<const Attribution>> groups;
  size_t first = 0;
  for (size_t i = 1; i <= all.size(); ++i) {
    // A method that was asked for twice begins with the same input again.
    const bool goes_on = i < all.size() && all[i].method == all[first].method &&
                         all[i].target == all[first].target && all[i].input != all[first].input;
    if (goes_on) continue;
    groups.push_back(all.subspan(first, i - first));
    first = i;
  }
  return groups;
}

std::vector<std::optional<double>> share_lost(std::span<const Attribution> group,
                                              const ExplainedTarget& target) {
  std::vector<std::optional<double>> lost;
  const bool by_sample =
      std::ranges::all_of(group, [&](const Attribution& a) { return a.sums.size() == target.scores.size(); });
  if (group.empty() || !group[0].shares_score || !by_sample) return lost;
  for (size_t n = 0; n < target.scores.size(); ++n) {
    double arrived = 0;
    for (const Attribution& a : group) arrived += a.sums[n];
    const double share = 1 - arrived / target.scores[n];
    lost.push_back(std::isfinite(share) ? std::optional(share) : std::nullopt);
  }
  return lost;
}

}  // namespace onnxray::cli
