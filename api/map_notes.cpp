#include "api/map_notes.h"

#include <fmt/format.h>

#include <algorithm>

namespace onnxray {

namespace {

/// "the map", or of how many samples it is.
std::string which(int64_t some, int64_t all) {
  return all == 1 ? "the map" : fmt::format("the map of {} of {} samples", some, all);
}

}  // namespace

std::vector<std::string> notes_on_map(const MethodSpec& method, const Tensor& map) {
  using Family = MethodName::Family;
  const Family family = method.name.family;
  if ((family != Family::grad_cam && family != Family::guided_grad_cam) || map.size() == 0) return {};
  const int64_t samples = map.shape().empty() ? 1 : map.shape()[0];
  const int64_t entries = map.size() / samples;
  const std::vector<double> values = map.to_doubles();
  int64_t zero = 0, constant = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const auto first = values.begin() + n * entries;
    if (!std::all_of(first, first + entries, [&](double v) { return v == *first; })) continue;
    ++(*first == 0 ? zero : constant);
  }
  std::vector<std::string> notes;
  if (zero > 0)
    notes.push_back(fmt::format("{}: {} is zero: no weighted activation of the layer is positive",
                                method.text, which(zero, samples)));
  if (constant > 0 && entries > 1)
    notes.push_back(fmt::format("{}: {} is the same everywhere: the layer has one place, or all count alike",
                                method.text, which(constant, samples)));
  return notes;
}

}  // namespace onnxray
