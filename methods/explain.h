#pragma once

#include "methods/head.h"
#include "methods/method.h"
#include "methods/sample_readings.h"
#include "methods/target.h"

namespace onnxray {

/// What one program computes: several methods for several targets over one forward pass.
struct ExplainSpec {
  std::vector<MethodSpec> methods;  ///< none: a plain forward pass
  std::vector<TargetForm> targets;
  size_t output = 0;  ///< which of Graph::outputs is explained
  bool keep_softmax = false;
  /// Of that output, where it is separated in the graph already; else emit_explanation does so, or keeps it.
  std::optional<Head> head = {};
  ValueId at = kNoValue;                         ///< attribute to this inner value instead of the inputs
  std::vector<std::string> attribute = {};       ///< or to these inputs alone ...
  std::vector<std::string> not_attributed = {};  ///< ... or to all but these
  std::vector<Shape> baselines;  ///< of tensors that the caller gives, one per explained value; or none
  std::vector<Shape> noise;      ///< likewise
  bool report_layers = false;
  GivenSamples given_samples = {};      ///< what the caller says of inputs and outputs
  GivenSamples exceeding_samples = {};  ///< axes along which inputs hold more samples than the file fixes
};

/// What emit_explanation found out about the graph.
struct Findings {
  std::vector<Assumption> assumptions;  ///< beside the graph's own
  Samples samples;                      ///< of the graph's values
  Explained explained;                  ///< what the attributions are over
  ValueId logits = kNoValue;
};

/// Emits the forward pass of a specialised graph and the explanations of `spec`.
/// Program inputs: the graph's inputs that are not bound, "baseline:I" and "noise:I" where the caller gives
/// them, then "target:K" for each target that needs a tensor. Program outputs: the graph's outputs; then,
/// with methods, "logits", for each target "index:K" (where it is one entry per sample) and "score:K" [N],
/// and for each method M, target K and explained input I "attribution:M:K:I"; integrated gradients also
/// "gap:M:K" ([N], or [1] where samples share an input), LRP
/// with report_layers "layer.NODE:M:K" [2], and "layer.NODE.ENTRY:M:K" [1] for the entries of the Ledger that
/// its rule made.
/// Loops run as many steps per trip as `widening` allows.
Program emit_explanation(const Graph& graph, const OpRegistry& ops, const ExplainSpec& spec,
                         const Widening& widening = {}, Findings* findings = nullptr);

}  // namespace onnxray
