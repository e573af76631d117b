#include "api/joined_results.h"

#include <algorithm>

#include "api/fixed_batch.h"

namespace onnxray {

namespace {

size_t axis_of(const std::vector<size_t>& axes, size_t i) { return i < axes.size() ? axes[i] : 0; }

template <class T>
void append_list(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// Sums over the batch add up.
void add(LayerRelevance& all, const LayerRelevance& more) {
  all.relevance += more.relevance;
  all.not_finite += more.not_finite;
  if (all.sent && more.sent) *all.sent += *more.sent;
  all.to_bias += more.to_bias;
  all.to_stabiliser += more.to_stabiliser;
  all.crossings += more.crossings;
  if (more.smallest_denominator)
    all.smallest_denominator =
        std::min(all.smallest_denominator.value_or(*more.smallest_denominator), *more.smallest_denominator);
}

Tensor added(const Tensor& a, const Tensor& b) {
  std::vector<double> sum = a.to_doubles();
  for (int64_t i = 0; i < a.size(); ++i) sum[static_cast<size_t>(i)] += b.as_double(i);
  return Tensor::of<double>(a.shape(), sum).to(a.dtype());
}

void append(Attribution& all, const Attribution& more, size_t axis) {
  if (axis == kAddUp) {
    all.values = added(all.values, more.values);
    for (size_t i = 0; i < all.sums.size(); ++i) all.sums[i] += more.sums[i];
  } else {
    all.values = joined(all.values, more.values, axis);
    append_list(all.sums, more.sums);
  }
  append_list(all.completeness_gap, more.completeness_gap);
  for (size_t n = 0; n < all.layers.size() && n < more.layers.size(); ++n) add(all.layers[n], more.layers[n]);
}

}  // namespace

void append(Explanations& all, const Explanations& more, const JoinAxes& axes) {
  for (size_t i = 0; i < all.outputs.size(); ++i) {
    Tensor& output = all.outputs[i].tensor;
    output = joined(output, more.outputs[i].tensor, axis_of(axes.outputs, i));
  }
  all.logits = joined(all.logits, more.logits, axes.logits);
  for (size_t k = 0; k < all.targets.size(); ++k) {
    append_list(all.targets[k].indices, more.targets[k].indices);
    append_list(all.targets[k].scores, more.targets[k].scores);
  }
  for (size_t a = 0; a < all.attributions.size(); ++a)
    append(all.attributions[a], more.attributions[a], axis_of(axes.attributions, a));
}

}  // namespace onnxray
