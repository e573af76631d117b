#pragma once

#include "ops/expand.h"

namespace onnxray {

// What the classifiers and regressors of ai.onnx.ml share.

/// Scores [N, C] after `post_transform`: NONE, LOGISTIC, SOFTMAX or SOFTMAX_ZERO.
ValueId transformed_scores(ExpandContext& c, ValueId scores, const std::string& transform);

/// A classifier's two outputs from scores [N, C] of all classes: output 0 the winner's label, an integer, or
/// its index where labels are text; output 1 the transformed scores. `votes`: what the winner is chosen by.
void set_classifier_outputs(ExpandContext& c, ValueId votes, ValueId scores, std::string_view integer_labels);

/// The same for two classes with one score s [N, 1]: the second wins where s > threshold. Their scores are
/// 1 - s and s, or where `signed_scores` -s and s, which LOGISTIC squashes.
void set_binary_outputs(ExpandContext& c, ValueId s, double threshold, bool signed_scores,
                        std::string_view integer_labels);

}  // namespace onnxray
