#include "core/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace onnxray {

namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> nearest(std::string_view name, std::vector<std::string> known, size_t count) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (std::string& k : known) {
    const size_t distance = edit_distance(name, k);
    ranked.emplace_back(distance, std::move(k));
  }
  std::ranges::stable_sort(ranked, {}, &std::pair<size_t, std::string>::first);
  std::vector<std::string> result;
  for (auto& [distance, k] : ranked) {
    if (result.size() < count && std::ranges::find(result, k) == result.end()) result.push_back(std::move(k));
  }
  return result;
}

}  // namespace onnxray
