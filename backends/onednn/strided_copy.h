#pragma once

#include <cstddef>

#include "backends/onednn/loop_nest.h"
#include "core/dtype.h"

namespace onnxray::onednn {

/// A prepared copy between two layouts of one shape; strides of the source may be 0 or negative.
class StridedCopy {
 public:
  StridedCopy(const Shape& shape, const Strides& dst, const Strides& src, Storage storage);

  void run(std::byte* dst, const std::byte* src) const;
  /// On the calling thread alone.
  void run_here(std::byte* dst, const std::byte* src) const;

  int64_t elements() const { return elements_; }

 private:
  template <class E>
  void run_items(int64_t first, int64_t last, E* dst, const E* src) const;
  void run_range(int64_t first, int64_t last, std::byte* dst, const std::byte* src) const;

  struct Loop {
    int64_t extent = 1, dst = 0, src = 0;
  };
  Storage storage_;
  Shape outer_;
  Strides outer_dst_, outer_src_;
  Loop inner_;   // the fastest in dst
  Loop across_;  // the fastest in src, where that is another; else the next
  int64_t elements_ = 0, pieces_ = 1, piece_ = 0, items_ = 0;
  bool cuts_inner_ = false;  // into pieces; else across_
};

}  // namespace onnxray::onednn
