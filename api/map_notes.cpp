#include "api/map_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace onnxray {

namespace {

using Family = MethodName::Family;
/// The maps of one method for one target.
using Maps = std::vector<const Attribution*>;

/// "the map", or of how many samples it is.
std::string which(int64_t some, int64_t all) {
  return all == 1 ? "the map" : fmt::format("the map of {} of {} samples", some, all);
}

int64_t first_extent(const Attribution& a) { return a.values.shape().empty() ? 1 : a.values.shape()[0]; }

/// Whether `holds` for all entries that a map has of sample n of so many, which lie one behind the other.
bool all_of_sample(const Attribution& a, int64_t n, int64_t samples,
                   const std::function<bool(double)>& holds) {
  const int64_t each = a.values.size() / samples;
  for (int64_t i = n * each; i < (n + 1) * each; ++i) {
    if (!holds(a.values.as_double(i))) return false;
  }
  return true;
}

void note_class_activation(const Attribution& a, std::vector<std::string>& notes) {
  const int64_t samples = first_extent(a);
  int64_t zero = 0, constant = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const double first = a.values.as_double(n * (a.values.size() / samples));
    if (all_of_sample(a, n, samples, [&](double v) { return v == first; })) ++(first == 0 ? zero : constant);
  }
  if (zero > 0)
    notes.push_back(fmt::format("{}: {} is zero: no weighted activation of the layer is positive", a.method,
                                which(zero, samples)));
  if (constant > 0 && a.values.size() > samples)
    notes.push_back(fmt::format("{}: {} is the same everywhere: the layer has one place, or all count alike",
                                a.method, which(constant, samples)));
}

void note_empty(const Maps& maps, bool occludes, std::vector<std::string>& notes) {
  const auto is_in_order = [](const Attribution* a) { return a->sample_axis == 0; };
  const int64_t samples = std::ranges::all_of(maps, is_in_order) ? first_extent(*maps[0]) : 1;
  int64_t zero = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const auto is_empty = [&](const Attribution* a) {
      return all_of_sample(*a, n, samples, [](double v) { return v == 0; });
    };
    zero += std::ranges::all_of(maps, is_empty) ? 1 : 0;
  }
  if (zero == 0) return;
  notes.push_back(fmt::format("{}: {} is zero: {}", maps[0]->method, which(zero, samples),
                              occludes ? "no window changes the score"
                                       : "nothing arrives at the input, or the input itself is zero"));
}

}  // namespace

std::vector<std::string> notes_on_maps(const std::vector<MethodSpec>& methods,
                                       const std::vector<Attribution>& attributions) {
  std::vector<std::string> notes;
  size_t targets = 0;
  for (const Attribution& a : attributions) targets = std::max(targets, a.target + 1);
  for (const MethodSpec& method : methods) {
    const Family family = method.name.family;
    for (size_t target = 0; target < targets; ++target) {
      Maps maps;
      for (const Attribution& a : attributions) {
        if (a.method == method.text && a.target == target && a.values.size() > 0) maps.push_back(&a);
      }
      if (maps.empty()) continue;
      if (family != Family::grad_cam && family != Family::guided_grad_cam)
        note_empty(maps, family == Family::occlusion, notes);
      else
        for (const Attribution* map : maps) note_class_activation(*map, notes);
    }
  }
  std::vector<std::string> distinct;
  for (std::string& note : notes) {
    if (std::ranges::find(distinct, note) == distinct.end()) distinct.push_back(std::move(note));
  }
  return distinct;
}

}  // namespace onnxray
