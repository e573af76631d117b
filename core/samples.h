#pragma once

#include <optional>
#include <vector>

#include "core/graph.h"
#include "core/sample_axis.h"

namespace onnxray {

/// Where the values of a graph hold the samples of a batch.
struct Samples {
  int64_t count = 1;
  std::vector<std::optional<SampleAxis>> axes = {};  ///< by ValueId

  /// Unset where a value does not hold the samples apart: it is of all of them, or of the one that there is.
  std::optional<SampleAxis> of(ValueId id) const {
    const auto index = static_cast<size_t>(id);
    return id != kNoValue && index < axes.size() ? axes[index] : std::nullopt;
  }
  /// Likewise the axis itself, where it holds nothing else.
  std::optional<int64_t> plain_axis(ValueId id) const {
    const std::optional<SampleAxis> at = of(id);
    return at && at->outer * at->inner == 1 ? std::optional(at->axis) : std::nullopt;
  }
};

/// Whether an axis is called what exporters and people call that of the samples: "batch", "batch_size", "B".
bool means_batch(const std::string& symbol);

}  // namespace onnxray
