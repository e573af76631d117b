#include "api/joined_results.h"

#include <algorithm>

#include "api/fixed_batch.h"

namespace onnxray {

namespace {

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

Tensor side_by_side(std::vector<Tensor> parts, size_t axis) {
  if (axis != kNewAxis) return joined(parts, axis);
  for (Tensor& part : parts) {
    Shape shape = part.shape();
    shape.insert(shape.begin(), 1);
    part = part.reshaped(shape);
  }
  return joined(parts, 0);
}

std::optional<int64_t> sample_axis(size_t axis) {
  if (axis == kAddUp) return {};
  return axis == kNewAxis ? 0 : static_cast<int64_t>(axis);
}

/// What `pick` finds in every part.
template <class Part, class Pick>
auto each(const std::vector<Part>& parts, Pick pick) {
  std::vector<std::remove_cvref_t<decltype(pick(parts[0]))>> picked;
  for (const Part& part : parts) picked.push_back(pick(part));
  return picked;
}

Attribution joined(const std::vector<Attribution>& parts, size_t axis) {
  Attribution all = parts[0];
  for (size_t p = 1; p < parts.size(); ++p) {
    const Attribution& more = parts[p];
    if (axis == kAddUp) {
      all.values = added(all.values, more.values);
      for (size_t i = 0; i < all.sums.size(); ++i) all.sums[i] += more.sums[i];
    } else {
      append_list(all.sums, more.sums);
    }
    append_list(all.completeness_gap, more.completeness_gap);
    for (size_t n = 0; n < all.layers.size() && n < more.layers.size(); ++n)
      add(all.layers[n], more.layers[n]);
  }
  if (axis != kAddUp)
    all.values = side_by_side(each(parts, [](const Attribution& a) { return a.values; }), axis);
  all.sample_axis = sample_axis(axis);
  return all;
}

}  // namespace

std::vector<NamedTensor> joined(const std::vector<std::vector<NamedTensor>>& parts,
                                const std::vector<size_t>& axes) {
  std::vector<NamedTensor> all = parts[0];
  for (size_t i = 0; i < all.size(); ++i)
    all[i].tensor = side_by_side(
        each(parts, [i](const std::vector<NamedTensor>& part) { return part[i].tensor; }), axes[i]);
  return all;
}

Explanations joined(const std::vector<Explanations>& parts, const JoinAxes& axes) {
  Explanations all = parts[0];
  all.outputs = joined(each(parts, [](const Explanations& e) { return e.outputs; }), axes.outputs);
  all.logits = side_by_side(each(parts, [](const Explanations& e) { return e.logits; }), axes.logits);
  all.sample_axis = sample_axis(axes.logits);
  for (const Explanations& part : parts) {
    // A part of one sample can be read in more ways than all of them: what is said of all holds.
    for (const Assumption& a : part.assumptions) {
      if (std::ranges::find(all.assumptions, a.what, &Assumption::what) == all.assumptions.end())
        assume(all.assumptions, a);
    }
  }
  for (size_t k = 0; k < all.targets.size(); ++k) {
    for (size_t p = 1; p < parts.size(); ++p) {
      append_list(all.targets[k].indices, parts[p].targets[k].indices);
      append_list(all.targets[k].scores, parts[p].targets[k].scores);
    }
  }
  for (size_t a = 0; a < all.attributions.size(); ++a)
    all.attributions[a] =
        joined(each(parts, [a](const Explanations& e) { return e.attributions[a]; }), axes.attributions[a]);
  return all;
}

}  // namespace onnxray
