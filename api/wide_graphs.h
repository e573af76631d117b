#pragma once

#include <map>

#include "methods/head.h"
#include "methods/method.h"
#include "onnx/specialise.h"

namespace onnxray {

/// A model's graphs for several times the samples of one explanation, made where its loops ask for them.
class WideGraphs {
 public:
  /// `graph` is `model` after specialise() with these arguments, and with `head`, if any, separated. All but
  /// the head must outlive this.
  WideGraphs(const Graph& model, const Graph& graph, const Specialisation& specialisation,
             const PassOptions& options, const OpRegistry& ops, Backend& folder, std::optional<Head> head)
      : model_(model),
        graph_(graph),
        specialisation_(specialisation),
        options_(options),
        ops_(ops),
        folder_(folder),
        head_(std::move(head)) {}

  /// The graph for `count` times the samples. Throws Error where `values` of it are not, sample by sample,
  /// what they are in the plain graph.
  const Graph& graph(int64_t count, std::span<const ValueId> values);
  /// The largest count asked for and had.
  int64_t widest() const { return graphs_.empty() ? 1 : graphs_.rbegin()->first; }

 private:
  const Graph& model_;
  const Graph& graph_;
  const Specialisation& specialisation_;
  PassOptions options_;
  const OpRegistry& ops_;
  Backend& folder_;
  std::optional<Head> head_;
  std::map<int64_t, Graph> graphs_;
};

}  // namespace onnxray
