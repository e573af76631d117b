#pragma once

#include <optional>

#include "core/shape.h"

namespace onnxray {

/// An output that targets index, taken apart: one sample's entries in row-major order.
struct TargetLayout {
  /// `samples`: the axis that the samples lie along; unset where the output is one sample's.
  TargetLayout(const Shape& logits, std::optional<int64_t> samples) : entry(logits) {
    if (!samples) return;
    axis = static_cast<size_t>(*samples);
    count = logits[axis];
    entry.erase(entry.begin() + *samples);
  }
  /// Also of a batch without samples.
  int64_t entries() const { return element_count(entry); }

  Shape entry;        ///< the extents of one sample's output
  int64_t count = 1;  ///< of samples
  size_t axis = 0;    ///< theirs; a single sample leads
};

}  // namespace onnxray
