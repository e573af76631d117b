#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::cli {

/// One entry of a sample's output.
struct Prediction {
  int64_t entry = 0;            ///< row-major inside one sample's output
  std::vector<int64_t> index;   ///< the same, by axis
  std::string label;            ///< its class by name or number, then "[2,10,4]" where it has several axes
  double score = 0;             ///< what targets index there
  std::optional<double> value;  ///< where that is not it: what the model's output holds there
  std::optional<double> probability;
};

/// The explained output of each sample, read as what its numbers are.
class Predictions {
 public:
  /// The explanations must outlive it.
  Predictions(const Explanations& explanations, std::vector<std::string> labels);

  int64_t samples() const { return samples_; }
  /// The largest entries of a sample, the most probable first; NaN before all.
  std::vector<Prediction> top(int64_t sample, int64_t count = 5) const;
  Prediction at(int64_t sample, int64_t entry) const;

  /// What targets index: "logit", "probability", "log probability", "value".
  std::string_view score_word() const;
  /// "softmax class scores", "independent sigmoids", "values".
  std::string_view title() const;
  /// The axes of one sample's output that have more than one entry.
  bool has_several_axes() const;
  /// Why labels do not name all entries; empty where they do, or there are none.
  std::string labels_note() const;

 private:
  /// Where in the tensor an entry of a sample is.
  int64_t place(int64_t sample, int64_t entry) const;
  std::string label_of(int64_t entry, const std::vector<int64_t>& index) const;

  const Explanations& explanations_;
  std::vector<std::string> labels_;
  const Tensor* output_ = nullptr;   // the explained one, where it holds real numbers
  Shape extents_;                    // of one sample's output
  int64_t samples_ = 1, inner_ = 1;  // places behind the samples' axis
  std::optional<size_t> label_axis_;
};

/// "0.1234", or "1.2340e-07" where that would show nothing.
std::string number_text(double value);
/// "99.92 %", "1.2e-07 %"
std::string percent_text(double share);

}  // namespace onnxray::cli
