#pragma once

#include "api/plan_key.h"
#include "core/backend.h"

namespace onnxray {

/// What one attribution is over, by name.
struct ExplainedNames {
  std::string input;                    ///< or inner value
  ValueId value = kNoValue;             ///< the same in the graph
  std::vector<std::string> embeddings;  ///< the rows that ids in it choose
};

/// A program ready to run, with the graph that it came from.
struct CompiledPlan {
  PlanKey key;
  Graph graph;
  ExplainSpec spec;
  std::vector<ExplainedNames> explained;
  std::vector<Assumption> assumptions;
  std::vector<Tensor> seen_inputs;  ///< where the graph depends on their values
  Program optimised;                ///< what the plan was made of; kept where memory is bounded
  Plan plan;
  std::unique_ptr<Executable> executable;
  std::vector<std::string> output_names;
  Samples samples;  ///< of the graph's values
  Shape logits;
  std::optional<int64_t> sample_axis;  ///< of the logits; unset where they are one sample's
};

/// A program as it was emitted, with the graph that it came from.
struct Emitted {
  Graph graph;
  ExplainSpec spec;
  Findings findings;
  Program program;
  int64_t steps_per_trip = 1;  ///< of its loops
};

}  // namespace onnxray
