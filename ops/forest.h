#pragma once

#include <vector>

#include "core/graph.h"

namespace onnxray {

/// Decision trees in flat arrays, one entry per node of all trees; a leaf is its own child.
struct Forest {
  enum class Test : int64_t {
    less_equal,
    less,
    greater_equal,
    greater,
    equal
  };  ///< of x[feature] and threshold
  std::vector<int64_t> feature, test, if_true, if_false;
  std::vector<int64_t> missing_is_true;  ///< 1: a NaN goes where the test holds
  std::vector<double> threshold;
  std::vector<double> weights;  ///< [nodes, targets]: what a leaf gives to each target
  std::vector<int64_t> roots;   ///< by tree
  int64_t targets = 1;
  int64_t depth = 0;  ///< tests on the longest way to a leaf
};

/// Of TreeEnsembleRegressor ("target") and TreeEnsembleClassifier ("class"), whose leaves' lists begin with
/// that word. Errors: bad_file where node numbers do not fit together or trees have circles.
Forest read_forest(const Node& node, std::string_view leaves, int64_t targets);

/// Of TreeEnsemble, version 5 of ai.onnx.ml. Error(unsupported) where a test is set membership.
Forest read_tree_ensemble(const Node& node);

}  // namespace onnxray
