#pragma once

#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/split_products.h"

namespace onnxray::onednn {

/// The weights of a convolution, sorted for split_products.h. A term is a tap and a channel, in this order;
/// results are filled up with zeros to whole quartets.
class SplitWeightBlocks {
 public:
  SplitWeightBlocks(dnnl::memory memory, int64_t results, int64_t terms);
  /// Of results 4 quartet to 4 quartet + 3 in the terms of a portion: kSplitTerms, of the last one the rest.
  SplitWeights of(int64_t quartet, int64_t portion) const;

  /// Where what follows the values in the sorted copy starts, in floats, and its size.
  struct Sizes {
    int64_t places = 0, counts = 0, total = 0;
    Sizes(int64_t results, int64_t terms);
  };

 private:
  dnnl::memory memory_;
  Sizes sizes_;
  int64_t terms_;
};

/// Which terms make the part that sum_parts sums: those of positive weights and zeros, or of negative ones.
enum class SplitPart : uint8_t { positive, negative };

/// Of a constant w [M, C, k..]: for sums over c and k with m as result, or, turned, over m and k with c as
/// result, the taps backwards. Made once per plan.
SplitWeightBlocks pack_split_weights(const Context& context, const Operand& w, bool turned, SplitPart part);

}  // namespace onnxray::onednn
