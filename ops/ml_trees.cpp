#include <algorithm>
#include <array>
#include <functional>

#include "core/fail.h"
#include "ops/families.h"
#include "ops/forest.h"
#include "ops/ml_scores.h"

namespace onnxray {

namespace {

// Tree ensembles of ai.onnx.ml become one node `Forest` with the sums of their leaves, and standard operators
// behind it.

constexpr const char* kDomain = "ai.onnx.ml";
constexpr const char* kOwnDomain = "onnxray";

// x [N, F] -> what the leaves that each sample falls into give together: [N, targets]
void lower_forest(LowerContext& c) {
  Builder& b = c.b;
  const auto list = [&](std::string_view name) {
    const std::vector<int64_t> values = c.ints_attr(name);
    return b.constant(Tensor::of<int64_t>({std::ssize(values)}, values));
  };
  require(c.shape(0).size() == 2, ErrorCode::bad_file, "its input {} is no table: [N,F] is needed",
          to_string(c.shape(0)));
  const int64_t samples = c.shape(0)[0], width = c.shape(0)[1];
  const std::vector<int64_t> features = c.ints_attr("feature"), tests = c.ints_attr("test");
  require(std::ranges::all_of(features, [&](int64_t f) { return f >= 0 && f < width; }), ErrorCode::bad_file,
          "a test reads a feature outside the {} of its input", width);
  const Var x = c.input(0), feature = list("feature"), test = list("test"), if_true = list("if_true"),
            if_false = list("if_false"), missing = list("missing_is_true");
  const Var threshold = b.constant(tensor_attribute(c.node, "threshold")->to(b.dtype(x)));
  const Var weights = b.constant(tensor_attribute(c.node, "weights")->to(b.dtype(x)));
  const std::vector<int64_t> roots = c.ints_attr("roots"), flags = c.ints_attr("missing_is_true");
  const auto trees = std::ssize(roots);
  const bool reads_missing = std::ranges::any_of(flags, [](int64_t flag) { return flag != 0; });

  Var node = b.broadcast(b.constant(Tensor::of<int64_t>({1, trees}, roots)), {samples, trees});
  const auto holds = [&](Var v, Var t) {
    using enum Forest::Test;
    Var result;
    for (const Forest::Test kind : {less_equal, less, greater_equal, greater, equal}) {
      const auto number = static_cast<int64_t>(kind);
      if (std::ranges::find(tests, number) == tests.end()) continue;
      const Var answer = kind == less_equal      ? b.less_equal(v, t)
                         : kind == less          ? b.less(v, t)
                         : kind == greater_equal ? b.less_equal(t, v)
                         : kind == greater       ? b.less(t, v)
                                                 : b.equal(v, t);
      const Var is_kind = b.equal(b.gather(test, node, 0), static_cast<double>(number));
      result = result ? b.select(is_kind, answer, result) : answer;
    }
    return result;
  };
  for (int64_t level = 0; level < c.int_attr("depth", 0); ++level) {
    const Var value = b.gather_elements(x, b.gather(feature, node, 0), 1);
    Var takes = holds(value, b.gather(threshold, node, 0));
    if (reads_missing) {
      const Var flagged = b.equal(b.gather(missing, node, 0), 1.0);
      takes = b.select(b.unary(Opcode::is_nan, value), flagged, takes);
    }
    node = b.select(takes, b.gather(if_true, node, 0), b.gather(if_false, node, 0));
  }
  const Var given = b.gather(weights, node, 0);  // [N, trees, targets]
  const std::string together = c.string_attr("aggregate", "SUM");
  if (together == "AVERAGE") return c.set(0, b.mean(given, {1}, false));
  const auto kind = together == "MIN"   ? Reduce::Kind::min
                    : together == "MAX" ? Reduce::Kind::max
                                        : Reduce::Kind::sum;
  c.set(0, b.reduce(kind, given, {1}, false));
}

/// Adds the node `Forest`; its result [N, targets].
ValueId add_forest(ExpandContext& c, const Forest& forest, const std::string& aggregate) {
  const auto nodes = std::ssize(forest.feature);
  const ValueId x = is_floating(c.dtype(0)) ? c.input(0) : c.add("Cast", {c.input(0)}, {{"to", int64_t{1}}});
  return c.add("Forest", {x},
               {{"feature", forest.feature},
                {"test", forest.test},
                {"if_true", forest.if_true},
                {"if_false", forest.if_false},
                {"missing_is_true", forest.missing_is_true},
                {"roots", forest.roots},
                {"depth", forest.depth},
                {"aggregate", aggregate},
                {"threshold", Tensor::of<double>({nodes}, forest.threshold)},
                {"weights", Tensor::of<double>({nodes, forest.targets}, forest.weights)}},
               kOwnDomain);
}

std::vector<double> base_values(const Node& node) {
  if (has_attribute(node, "base_values_as_tensor"))
    return tensor_attribute(node, "base_values_as_tensor")->to_doubles();
  return floats_attribute(node, "base_values");
}

ValueId with_base(ExpandContext& c, ValueId scores, const std::vector<double>& base) {
  if (base.empty()) return scores;
  return c.add("Add", {scores, c.constant(Tensor::of<double>({std::ssize(base)}, base).to(DType::f32))});
}

void expand_regressor(ExpandContext& c) {
  const int64_t targets = int_attribute(c.node, "n_targets", 1);
  require(targets > 0, ErrorCode::bad_file, "{} targets", targets);
  const Forest forest = read_forest(c.node, "target", targets);
  const ValueId y = add_forest(c, forest, string_attribute(c.node, "aggregate_function", "SUM"));
  c.set(0, transformed_scores(c, with_base(c, y, base_values(c.node)),
                              string_attribute(c.node, "post_transform", "NONE")));
}

void expand_tree_ensemble(ExpandContext& c) {
  constexpr std::array kAggregates = {"AVERAGE", "SUM", "MIN", "MAX"};
  constexpr std::array kTransforms = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  const auto aggregate = static_cast<size_t>(int_attribute(c.node, "aggregate_function", 1)),
             transform = static_cast<size_t>(int_attribute(c.node, "post_transform", 0));
  require(aggregate < kAggregates.size() && transform < kTransforms.size(), ErrorCode::bad_file,
          "aggregate_function {}, post_transform {}", aggregate, transform);
  const ValueId y = add_forest(c, read_tree_ensemble(c.node), kAggregates[aggregate]);
  c.set(0, transformed_scores(c, y, kTransforms[transform]));
}

size_t class_count(const Node& node, std::string_view integers, std::string_view strings) {
  const size_t ints = ints_attribute(node, integers, kAnyInteger).size();
  if (ints > 0) return ints;
  const auto found = node.attributes.find(strings);
  const auto* list =
      found == node.attributes.end() ? nullptr : std::get_if<std::vector<std::string>>(&found->second);
  return list ? list->size() : 0;
}

// Where the leaves of a model of two classes all speak for one, its score s decides: probabilities, all
// positive, around 1/2, other scores around 0.
void expand_classifier(ExpandContext& c) {
  const auto classes = static_cast<int64_t>(class_count(c.node, "classlabels_int64s", "classlabels_strings"));
  require(classes > 0, ErrorCode::bad_file, "it has no class labels");
  Forest forest = read_forest(c.node, "class", classes);
  const std::vector<int64_t> ids = ints_attribute(c.node, "class_ids");
  const bool one_score = classes == 2 && std::ranges::adjacent_find(ids, std::not_equal_to()) == ids.end();
  const std::vector<double> base = base_values(c.node);
  if (!one_score) {
    const ValueId scores = with_base(c, add_forest(c, forest, "SUM"), base);
    return set_classifier_outputs(c, scores, scores, "classlabels_int64s");
  }
  const bool positive = std::ranges::all_of(forest.weights, [](double w) { return w >= 0; });
  const ValueId both = add_forest(c, forest, "SUM");
  ValueId s = c.add("Gather", {both, c.ints({ids.empty() ? 0 : ids[0]})}, {{"axis", int64_t{1}}});
  if (!base.empty()) s = with_base(c, s, {base.back()});
  set_binary_outputs(c, s, positive ? 0.5 : 0, !positive, "classlabels_int64s");
}

}  // namespace

std::vector<OpDef> ml_trees_ops() {
  return {
      {kOwnDomain, "Forest", {1}, lower_forest, RelevanceClass::none},
      assembly(kDomain, "TreeEnsembleRegressor", {1, 3, 5}, expand_regressor),
      assembly(kDomain, "TreeEnsembleClassifier", {1, 3, 5}, expand_classifier),
      assembly(kDomain, "TreeEnsemble", {5}, expand_tree_ensemble),
  };
}

}  // namespace onnxray
