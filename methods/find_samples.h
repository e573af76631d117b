#pragma once

#include "core/samples.h"
#include "methods/sample_readings.h"
#include "ops/lower_graph.h"

namespace onnxray {

/// A lowered graph whose samples are looked for.
struct SampleQuestion {
  const Graph& graph;
  const Program& program;  ///< of the forward pass alone
  const Forward& forward;
  ValueId output;               ///< of the graph
  ValueId result;               ///< what is explained of it: the output itself, or its logits
  GivenSamples given = {};      ///< what the caller says
  GivenSamples exceeding = {};  ///< axes along which inputs hold more than the one sample that the file fixes
};

/// Finds the axes of the inputs along which every entry of the result comes of its own sample alone
/// (SampleAxes), and where all other values hold those samples; likely_readings says in which order. Where
/// samples would meet whatever axis they lay on, an axis that the caller or the model calls the batch counts
/// all the same; else there is one sample. What was found is added to `assumptions`. Throws Error(usage)
/// where samples cannot lie as given.
Samples find_samples(const SampleQuestion& question, std::vector<Assumption>& assumptions);

}  // namespace onnxray
