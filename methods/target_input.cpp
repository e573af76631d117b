#include <algorithm>
#include <functional>

#include "core/fail.h"
#include "methods/target.h"
#include "methods/target_layout.h"
#include "methods/target_region.h"

// The tensors of targets: indices, weights, marks.

namespace onnxray {

namespace {

/// The extents that `count` indices or ranges count along. A single sample's axis may be named or left out,
/// wherever it is; `fits` decides where several could be it.
Shape counted_extents(size_t count, const std::function<bool(const Shape&)>& fits, const Shape& logits,
                      const TargetLayout& layout) {
  if (layout.count != 1 || count == layout.entry.size()) return layout.entry;
  if (count == logits.size()) return logits;
  Shape fitting = layout.entry;
  for (size_t i = logits.size(); i-- > 0;) {
    Shape shorter = logits;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    if (logits[i] == 1 && shorter.size() == count && fits(shorter)) fitting = shorter;
  }
  return fitting;
}

void check_count(size_t count, const Shape& extents, std::string_view what, const std::string& target,
                 const Shape& logits, const TargetLayout& layout) {
  require(count == extents.size(), ErrorCode::usage,
          "target {} does not fit an output of shape {}: give one {} per axis{}", target, to_string(logits),
          what,
          extents == logits  ? ""
          : layout.axis == 0 ? " after the batch"
                             : fmt::format(" but {}, the samples'", layout.axis));
}

/// An index that may count from the end; unset where it is outside.
std::optional<int64_t> from_start(int64_t index, int64_t extent) {
  if (index < -extent || index >= extent) return std::nullopt;
  return index < 0 ? index + extent : index;
}

bool is_inside(const std::vector<int64_t>& tuple, const Shape& extents) {
  for (size_t i = 0; i < tuple.size(); ++i) {
    if (!from_start(tuple[i], extents[i])) return false;
  }
  return true;
}

/// The row-major index of a tuple inside one sample's output.
int64_t flat_index(const std::vector<int64_t>& tuple, const Shape& logits, const TargetLayout& layout) {
  const auto fits = [&](const Shape& extents) { return is_inside(tuple, extents); };
  const Shape extents = counted_extents(tuple.size(), fits, logits, layout);
  check_count(tuple.size(), extents, "index", to_string(tuple), logits, layout);
  require(is_inside(tuple, extents), ErrorCode::usage, "target {} is outside an output of shape {}",
          to_string(tuple), to_string(logits));
  int64_t flat = 0;
  for (size_t i = 0; i < tuple.size(); ++i) flat = flat * extents[i] + *from_start(tuple[i], extents[i]);
  return flat;
}

/// The same weights for every sample.
Tensor for_all_samples(const std::vector<double>& weights, const Shape& logits, const TargetLayout& layout) {
  const int64_t inner = count_between(layout.entry, layout.axis, layout.entry.size());
  std::vector<double> all;
  for (size_t block = 0; block < weights.size(); block += static_cast<size_t>(inner)) {
    const auto from = weights.begin() + static_cast<std::ptrdiff_t>(block);
    for (int64_t n = 0; n < layout.count; ++n) all.insert(all.end(), from, from + inner);
  }
  return Tensor::of<double>(logits, all);
}

Tensor region(const std::vector<Range>& ranges, const Shape& logits, const TargetLayout& layout) {
  const Shape extents = counted_extents(
      ranges.size(), [](const Shape&) { return true; }, logits, layout);
  check_count(ranges.size(), extents, "range", to_string(ranges), logits, layout);
  return for_all_samples(region_weights(ranges, extents), logits, layout);
}

Tensor weights(const Tensor& mask, const Shape& logits, const TargetLayout& layout) {
  if (mask.shape() == logits) return mask;
  require(mask.size() == layout.entries(), ErrorCode::usage,
          "a target mask of shape {} does not fit an output of shape {}", to_string(mask.shape()),
          to_string(logits));
  return for_all_samples(mask.to_doubles(), logits, layout);
}

Tensor chosen_indices(const TargetSpec& target, const Shape& logits, const TargetLayout& layout) {
  const int64_t entries = layout.entries();
  require(!target.is_class || std::ranges::count_if(layout.entry, [](int64_t e) { return e != 1; }) <= 1,
          ErrorCode::usage,
          "a class by its name is one entry of an output with one axis; this one is {}: choose entries by "
          "ranges, one per axis",
          to_string(logits));
  const bool is_tuple = !target.tuple.empty() || (target.indices.empty() && logits.empty());
  const std::vector<int64_t> indices =
      is_tuple ? std::vector{flat_index(target.tuple, logits, layout)} : target.indices;
  const auto count = std::ssize(indices);
  require(count == 1 || count == layout.count, ErrorCode::usage,
          "{} targets for a batch of {}: give one, or one per sample", count, layout.count);
  std::vector<int64_t> all;
  for (int64_t n = 0; n < layout.count; ++n) {
    const int64_t given = indices[count == 1 ? 0 : static_cast<size_t>(n)];
    const auto index = from_start(given, entries);
    require(index.has_value(), ErrorCode::usage, "target {} is outside an output of {} entries per sample",
            given, entries);
    all.push_back(*index);
  }
  return Tensor::of<int64_t>({layout.count}, all);
}

}  // namespace

Tensor target_input(const TargetSpec& target, const Shape& logits, std::optional<int64_t> samples) {
  const TargetLayout layout(logits, samples);
  if (!target.ranges.empty()) return region(target.ranges, logits, layout);
  if (target.kind == TargetSpec::Kind::mask) return weights(target.mask, logits, layout);
  return chosen_indices(target, logits, layout);
}

}  // namespace onnxray
