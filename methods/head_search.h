#pragma once

#include <map>
#include <optional>

#include "methods/head.h"

namespace onnxray {

/// Walks from an output towards its head, and copies on the way back what moves its entries.
class HeadSearch {
 public:
  struct Found {
    Head::Kind kind = Head::Kind::none;
    bool logarithm = false;
    ValueId logits = kNoValue;       ///< in the shape of the value that was asked for
    std::vector<int64_t> axes = {};  ///< as Head::axes
    bool is_whole = true;
  };

  explicit HeadSearch(Graph& graph) : graph_(graph), producers_(graph.producers()) {}

  /// The head that `value` comes of; nothing where there is none.
  std::optional<Found> find(ValueId value);

 private:
  const Shape& shape(ValueId id) const { return graph_[id].shape.value(); }

  std::optional<Found> at(const Node& node, ValueId value);
  std::vector<int64_t> softmax_axes(const Node& node) const;
  std::optional<Found> after_cast(const Node& node);
  std::optional<Found> after_clip(const Node& node);
  std::optional<Found> after_log(const Node& node);
  std::optional<Found> after_complement(const Node& node);
  std::optional<Found> after_concat(const Node& node);
  std::optional<Found> after_choice(const Node& node, ValueId value);
  std::optional<Found> after_move(const Node& node, ValueId value);
  ValueId copy(Node node, ValueId value);

  Graph& graph_;
  std::vector<int32_t> producers_;
  std::map<ValueId, std::optional<Found>> found_;
  int depth_ = 0;
};

}  // namespace onnxray
