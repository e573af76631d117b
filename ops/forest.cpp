#include "ops/forest.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/fail.h"

namespace onnxray {

namespace {

using Test = Forest::Test;

size_t at(int64_t i) { return static_cast<size_t>(i); }

/// A list of reals, or the tensor that stands for it in double models.
std::vector<double> reals(const Node& node, const std::string& name) {
  if (has_attribute(node, name + "_as_tensor"))
    return tensor_attribute(node, name + "_as_tensor")->to_doubles();
  return floats_attribute(node, name);
}

std::vector<std::string> texts(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return {};
  const auto* list = std::get_if<std::vector<std::string>>(&found->second);
  return list ? *list : std::vector<std::string>{};
}

void check_count(std::string_view name, size_t have, size_t wanted) {
  require(have == wanted, ErrorCode::bad_file, "{} entries of {} for {} nodes", have, name, wanted);
}

/// An unequal is an equal with its branches changed over, for NaN too.
void set_test(Forest& forest, size_t n, Test test, bool turned) {
  forest.test[n] = static_cast<int64_t>(test);
  if (turned) std::swap(forest.if_true[n], forest.if_false[n]);
}

void resize(Forest& forest, size_t nodes) {
  for (auto* list :
       {&forest.feature, &forest.test, &forest.if_true, &forest.if_false, &forest.missing_is_true})
    list->resize(nodes, 0);
  forest.threshold.resize(nodes, 0);
  forest.weights.resize(nodes * at(forest.targets), 0);
  for (size_t n = 0; n < nodes; ++n) forest.if_true[n] = forest.if_false[n] = static_cast<int64_t>(n);
}

/// Tests on the longest way to a leaf: nodes are settled once all that lead to them are.
int64_t depth_of(const Forest& forest) {
  const size_t nodes = forest.feature.size();
  const auto children = [&](size_t n) { return std::array{at(forest.if_true[n]), at(forest.if_false[n])}; };
  std::vector<int64_t> parents(nodes, 0), depth(nodes, 0);
  for (size_t n = 0; n < nodes; ++n) {
    for (const size_t child : children(n)) parents[child] += child != n ? 1 : 0;
  }
  std::vector<size_t> settled;
  for (size_t n = 0; n < nodes; ++n) {
    if (parents[n] == 0) settled.push_back(n);
  }
  for (size_t i = 0; i < settled.size(); ++i) {
    const size_t n = settled[i];
    for (const size_t child : children(n)) {
      if (child == n) continue;
      depth[child] = std::max(depth[child], depth[n] + 1);
      if (--parents[child] == 0) settled.push_back(child);
    }
  }
  require(settled.size() == nodes, ErrorCode::bad_file, "its branches go in a circle");
  return *std::ranges::max_element(depth);
}

struct Mode {
  std::string_view name;
  Test test;
  bool turned = false;
};
constexpr std::array kModes = {
    Mode{"BRANCH_LEQ", Test::less_equal},    Mode{"BRANCH_LT", Test::less},
    Mode{"BRANCH_GTE", Test::greater_equal}, Mode{"BRANCH_GT", Test::greater},
    Mode{"BRANCH_EQ", Test::equal},          Mode{"BRANCH_NEQ", Test::equal, true}};

/// (tree, node number) -> place in the flat arrays.
using Places = std::map<std::pair<int64_t, int64_t>, int64_t>;

int64_t place_of(const Places& places, int64_t tree, int64_t number) {
  const auto found = places.find({tree, number});
  require(found != places.end(), ErrorCode::bad_file, "tree {} has no node {}", tree, number);
  return found->second;
}

void read_leaves(const Node& node, std::string_view leaves, const Places& places, Forest& forest) {
  const std::string of(leaves);
  const auto trees = ints_attribute(node, of + "_treeids"), numbers = ints_attribute(node, of + "_nodeids"),
             ids = ints_attribute(node, of + "_ids");
  const std::vector<double> weights = reals(node, of + "_weights");
  for (const size_t count : {trees.size(), numbers.size(), weights.size()})
    check_count(of + "_*", count, ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    require(ids[i] >= 0 && ids[i] < forest.targets, ErrorCode::bad_file, "{} {} of {}", of, ids[i],
            forest.targets);
    const int64_t leaf = place_of(places, trees[i], numbers[i]);
    forest.weights[at(leaf * forest.targets + ids[i])] += weights[i];
  }
}

}  // namespace

Forest read_forest(const Node& node, std::string_view leaves, int64_t targets) {
  const auto trees = ints_attribute(node, "nodes_treeids"), numbers = ints_attribute(node, "nodes_nodeids"),
             features = ints_attribute(node, "nodes_featureids"),
             if_true = ints_attribute(node, "nodes_truenodeids"),
             if_false = ints_attribute(node, "nodes_falsenodeids"),
             missing = ints_attribute(node, "nodes_missing_value_tracks_true");
  const std::vector<double> values = reals(node, "nodes_values");
  const std::vector<std::string> modes = texts(node, "nodes_modes");
  const size_t nodes = numbers.size();
  for (const size_t count : {trees.size(), features.size(), if_true.size(), if_false.size(), values.size(),
                             modes.size(), missing.empty() ? nodes : missing.size()})
    check_count("nodes_*", count, nodes);
  require(nodes > 0, ErrorCode::bad_file, "it has no trees");

  Forest forest;
  forest.targets = targets;
  resize(forest, nodes);
  Places places;
  for (size_t n = 0; n < nodes; ++n) {
    const auto place = static_cast<int64_t>(n);
    require(places.emplace(std::pair{trees[n], numbers[n]}, place).second, ErrorCode::bad_file,
            "tree {} has node {} twice", trees[n], numbers[n]);
    // Trees stand one after the other, each from its root on.
    if (n == 0 || trees[n] != trees[n - 1]) forest.roots.push_back(place);
  }
  forest.threshold = values;
  if (!missing.empty()) forest.missing_is_true = missing;
  for (size_t n = 0; n < nodes; ++n) {
    if (modes[n] == "LEAF") continue;
    const auto mode = std::ranges::find(kModes, modes[n], &Mode::name);
    require(mode != kModes.end(), ErrorCode::bad_file, "its test {}", modes[n]);
    forest.feature[n] = features[n];
    forest.if_true[n] = place_of(places, trees[n], if_true[n]);
    forest.if_false[n] = place_of(places, trees[n], if_false[n]);
    set_test(forest, n, mode->test, mode->turned);
  }
  read_leaves(node, leaves, places, forest);
  forest.depth = depth_of(forest);
  return forest;
}

Forest read_tree_ensemble(const Node& node) {
  const auto features = ints_attribute(node, "nodes_featureids"),
             missing = ints_attribute(node, "nodes_missing_value_tracks_true"),
             ids = ints_attribute(node, "leaf_targetids");
  const std::array branches = {ints_attribute(node, "nodes_truenodeids"),
                               ints_attribute(node, "nodes_falsenodeids")};
  const std::array ends = {ints_attribute(node, "nodes_trueleafs"), ints_attribute(node, "nodes_falseleafs")};
  const Tensor *splits = tensor_attribute(node, "nodes_splits"),
               *modes = tensor_attribute(node, "nodes_modes"),
               *weights = tensor_attribute(node, "leaf_weights");
  require(splits && modes && weights, ErrorCode::bad_file, "its splits, modes or weights are missing");
  const size_t inner = features.size(), leaves = ids.size();
  for (const size_t count : {at(splits->size()), at(modes->size()), branches[0].size(), branches[1].size(),
                             ends[0].size(), ends[1].size(), missing.empty() ? inner : missing.size()})
    check_count("nodes_*", count, inner);
  check_count("leaf_weights", at(weights->size()), leaves);

  Forest forest;
  forest.targets = int_attribute(node, "n_targets", 1);
  require(forest.targets > 0, ErrorCode::bad_file, "{} targets", forest.targets);
  resize(forest, inner + leaves);
  const auto child = [&](size_t side, size_t n) {
    const bool is_leaf = ends[side][n] != 0;
    const int64_t number = branches[side][n];
    require(number >= 0 && number < static_cast<int64_t>(is_leaf ? leaves : inner), ErrorCode::bad_file,
            "it has no node {}", number);
    return number + (is_leaf ? static_cast<int64_t>(inner) : 0);
  };
  for (size_t n = 0; n < inner; ++n) {
    const int64_t mode = modes->as_int64(static_cast<int64_t>(n));
    require(mode >= 0 && mode < std::ssize(kModes), ErrorCode::unsupported,
            "a test of set membership is not supported");
    forest.feature[n] = features[n];
    forest.threshold[n] = splits->as_double(static_cast<int64_t>(n));
    if (!missing.empty()) forest.missing_is_true[n] = missing[n];
    forest.if_true[n] = child(0, n);
    forest.if_false[n] = child(1, n);
    set_test(forest, n, kModes[at(mode)].test, kModes[at(mode)].turned);
  }
  for (size_t leaf = 0; leaf < leaves; ++leaf) {
    require(ids[leaf] >= 0 && ids[leaf] < forest.targets, ErrorCode::bad_file, "target {} of {}", ids[leaf],
            forest.targets);
    forest.weights[(inner + leaf) * at(forest.targets) + at(ids[leaf])] =
        weights->as_double(static_cast<int64_t>(leaf));
  }
  forest.roots = ints_attribute(node, "tree_roots");
  require(!forest.roots.empty(), ErrorCode::bad_file, "it has no trees");
  for (const int64_t root : forest.roots)
    require(root >= 0 && root < static_cast<int64_t>(inner), ErrorCode::bad_file, "it has no node {}", root);
  forest.depth = depth_of(forest);
  return forest;
}

}  // namespace onnxray
