#include "cli/predictions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace onnxray::cli {

namespace {

int64_t count_of(const Shape& extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>());
}

/// The axis that the labels count along: the softmax's, or the only one of that extent or of any extent.
std::optional<size_t> axis_of_labels(const Shape& extents, const std::vector<int64_t>& class_axes,
                                     std::optional<int64_t> sample_axis, size_t labels) {
  if (labels == 0) return std::nullopt;
  if (class_axes.size() == 1 && class_axes[0] != sample_axis)
    return static_cast<size_t>(class_axes[0] - (sample_axis && class_axes[0] > *sample_axis ? 1 : 0));
  std::vector<size_t> fitting, wide;
  for (size_t k = 0; k < extents.size(); ++k) {
    if (extents[k] == static_cast<int64_t>(labels)) fitting.push_back(k);
    if (extents[k] != 1) wide.push_back(k);
  }
  if (fitting.size() == 1) return fitting[0];
  return wide.size() == 1 ? std::optional(wide[0]) : std::nullopt;
}

}  // namespace

Predictions::Predictions(const Explanations& explanations, std::vector<std::string> labels)
    : explanations_(explanations), labels_(std::move(labels)), extents_(explanations.logits.shape()) {
  const std::optional<int64_t> axis = explanations.sample_axis;
  if (axis) {
    samples_ = extents_[static_cast<size_t>(*axis)];
    extents_.erase(extents_.begin() + *axis);
    inner_ = count_of({extents_.begin() + *axis, extents_.end()});
  }
  for (const NamedTensor& output : explanations.outputs) {
    if (output.name == explanations.explained.name && is_floating(output.tensor.dtype()) &&
        output.tensor.shape() == explanations.logits.shape())
      output_ = &output.tensor;
  }
  label_axis_ = axis_of_labels(extents_, explanations.explained.class_axes, axis, labels_.size());
}

int64_t Predictions::place(int64_t sample, int64_t entry) const {
  return (entry / inner_ * samples_ + sample) * inner_ + entry % inner_;
}

std::string Predictions::label_of(int64_t entry, const std::vector<int64_t>& index) const {
  if (std::ssize(labels_) == count_of(extents_)) return labels_[static_cast<size_t>(entry)];
  const std::string number =
      has_several_axes() ? fmt::format("[{}]", fmt::join(index, ",")) : std::to_string(entry);
  if (!label_axis_) return number;
  const int64_t k = index[*label_axis_];
  if (k >= std::ssize(labels_)) return number;
  const std::string& label = labels_[static_cast<size_t>(k)];
  return has_several_axes() ? label + " " + number : label;
}

Prediction Predictions::at(int64_t sample, int64_t entry) const {
  Prediction p;
  p.entry = entry;
  p.index.resize(extents_.size());
  for (size_t k = extents_.size(), rest = static_cast<size_t>(entry); k-- > 0;) {
    const auto extent = static_cast<size_t>(std::max<int64_t>(extents_[k], 1));
    p.index[k] = static_cast<int64_t>(rest % extent);
    rest /= extent;
  }
  p.label = label_of(entry, p.index);
  const int64_t where = place(sample, entry);
  p.score = explanations_.logits.as_double(where);
  if (output_ == nullptr) return p;
  const ExplainedOutput& explained = explanations_.explained;
  const double value = output_->as_double(where);
  if (explained.kind != ScoreKind::value && explained.is_whole)
    p.probability = explained.logarithm ? std::exp(value) : value;
  else if (!explained.is_kept && value != p.score && !(std::isnan(value) && std::isnan(p.score)))
    p.value = value;
  return p;
}

std::vector<Prediction> Predictions::top(int64_t sample, int64_t count) const {
  const int64_t entries = count_of(extents_);
  // Each position of a dense softmax has a scale of its own: there the probability orders.
  const ExplainedOutput& explained = explanations_.explained;
  const bool by_probability =
      explained.kind == ScoreKind::softmax && explained.is_whole && output_ != nullptr;
  const auto key = [&](int64_t entry) {
    const int64_t where = place(sample, entry);
    const double score = explanations_.logits.as_double(where);
    return std::pair(by_probability ? output_->as_double(where) : score, score);
  };
  const auto above = [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a > b; };
  std::vector<int64_t> order(static_cast<size_t>(entries));
  std::iota(order.begin(), order.end(), 0);
  const auto shown = std::min(count, entries);
  std::partial_sort(order.begin(), order.begin() + shown, order.end(), [&](int64_t a, int64_t b) {
    const auto [first_a, second_a] = key(a);
    const auto [first_b, second_b] = key(b);
    if (above(first_a, first_b) || above(first_b, first_a)) return above(first_a, first_b);
    if (above(second_a, second_b) || above(second_b, second_a)) return above(second_a, second_b);
    return a < b;
  });
  std::vector<Prediction> all;
  for (int64_t i = 0; i < shown; ++i) all.push_back(at(sample, order[static_cast<size_t>(i)]));
  return all;
}

bool Predictions::has_several_axes() const {
  return std::ranges::count_if(extents_, [](int64_t extent) { return extent != 1; }) > 1;
}

std::string_view Predictions::score_word() const {
  const ExplainedOutput& explained = explanations_.explained;
  if (explained.kind == ScoreKind::value || !explained.is_whole) return "value";
  if (!explained.is_kept) return "logit";
  return explained.logarithm ? "log probability" : "probability";
}

std::string_view Predictions::title() const {
  const ExplainedOutput& explained = explanations_.explained;
  if (explained.kind == ScoreKind::value) return "values";
  if (!explained.is_whole)
    return explained.kind == ScoreKind::softmax ? "values, some of a softmax" : "values, some of sigmoids";
  return explained.kind == ScoreKind::softmax ? "softmax class scores" : "independent sigmoids";
}

std::string Predictions::labels_note() const {
  const auto names = std::ssize(labels_);
  if (names == 0 || names == count_of(extents_)) return {};
  if (label_axis_ && extents_[*label_axis_] == names) return {};
  return fmt::format("there are {} labels, and the explained output has {} entries per sample, [{}]", names,
                     count_of(extents_), fmt::join(extents_, ","));
}

std::string number_text(double value) {
  const double size = std::abs(value);
  const bool fixed = value == 0 || !std::isfinite(value) || (size >= 1e-3 && size < 1e7);
  return fixed ? fmt::format("{:.4f}", value) : fmt::format("{:.4e}", value);
}

std::string percent_text(double share) {
  const bool fixed = share == 0 || !std::isfinite(share) || std::abs(share) >= 5e-5;
  return fixed ? fmt::format("{:.2f} %", 100 * share) : fmt::format("{:.1e} %", 100 * share);
}

}  // namespace onnxray::cli
