#pragma once

#include "backward/reverse.h"
#include "core/plan.h"
#include "core/samples.h"
#include "methods/explained.h"
#include "methods/method_spec.h"
#include "rules/composite.h"

namespace onnxray {

/// Lets the loop of a method run several steps in one trip, on a graph for more samples.
struct Widening {
  /// The graph for `count` times the samples, where `values` are, sample by sample, what they are in the
  /// plain one. Throws Error that says why there is none.
  std::function<const Graph&(int64_t count, std::span<const ValueId> values)> graph;
  PlanOptions options = {};  ///< of the backend that will run the program
  int64_t most = 1;          ///< steps of a trip, where memory bounds them
};

/// What a method emits into: the shared forward pass, the score to explain, and the builder.
struct MethodContext {
  const Graph& graph;
  const OpRegistry& ops;
  Builder& b;
  const Forward& forward;
  std::span<const Var> inputs;         ///< by Graph::inputs; bound ones are constants
  std::span<const ValueId> explained;  ///< what to attribute to: floating inputs, or an inner value
  const Samples& samples;              ///< of the values of `graph`
  ValueId logits_value;                ///< what targets index ...
  Var selection;                       ///< ... and like it: 1 (or a weight) at each sample's target, else 0
  std::span<const Var> baselines;      ///< by explained variable, where the caller gave tensors
  std::span<const Var> noise;          ///< likewise, [samples, like the variable]
  std::function<void(std::string_view, Var)> report;  ///< further results under a name, per sample
  bool report_layers =
      false;  ///< LRP: "layer.NODE" with what arrived at each node: [sum, non-finite entries]
  const Widening* widening = nullptr;  ///< null: a trip of a loop runs one step
  std::function<void(Assumption)> assume = [](const Assumption&) {};
  std::span<const ExplainedInput> inputs_explained = {};  ///< what the explained values are of

  Var var(ValueId id) const { return forward.vars[static_cast<size_t>(id)]; }
  Var logits() const { return var(logits_value); }
  /// Where an explained variable holds the samples.
  std::optional<SampleAxis> samples_of(size_t i) const { return samples.of(explained[i]); }
  std::vector<Var> explained_vars() const;
};

/// What starts the backward pass: the selection, or the selection times the logits.
Var seed(const MethodSpec& method, const MethodContext& context);

/// Whether the method shares the score out among the inputs: relevance that starts with the score, under
/// rules of which none keeps signs alone.
bool shares_score(const MethodSpec& method);

/// The parameter `seed` of methods that draw random numbers; 0 by default.
uint64_t seed_of(const MethodSpec& method);

/// Whether the method runs its passes in the program's loop; then it needs a program of its own.
bool needs_loop(const MethodSpec& method);

/// Emits the attribution over every explained input, in its shape; Grad-CAM's has one channel.
std::vector<Var> emit_method(const MethodSpec& method, const MethodContext& context);

// One file per family: the attribution of every explained variable, in its shape ...
std::vector<Var> emit_gradient(const MethodSpec& method, const MethodContext& context);
std::vector<Var> emit_guided(const MethodSpec& method, const MethodContext& context);  ///< and deconvnet
std::vector<Var> emit_integrated_gradients(const MethodSpec& method, const MethodContext& context);
std::vector<Var> emit_smoothgrad(const MethodSpec& method,
                                 const MethodContext& context);  ///< squared and VarGrad too
std::vector<Var> emit_grad_cam(const MethodSpec& method,
                               const MethodContext& context);  ///< one channel; guided: all
std::vector<Var> emit_lrp(const MethodSpec& method, const MethodContext& context);
// ... or over every explained input.
std::vector<Var> emit_occlusion(const MethodSpec& method, const MethodContext& context);
std::vector<Var> emit_random_uniform(const MethodSpec& method, const MethodContext& context);

/// The composite that an LRP method stands for.
Composite lrp_composite(const MethodSpec& method);

}  // namespace onnxray
