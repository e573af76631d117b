#pragma once

#include <algorithm>
#include <list>
#include <map>

#include "api/backends.h"
#include "api/batch_axes.h"
#include "api/compiled_plan.h"
#include "api/explained_output.h"
#include "api/fixed_batch.h"
#include "api/model_data.h"
#include "api/turn.h"
#include "core/cost.h"
#include "core/fail.h"
#include "core/find_node.h"
#include "onnx/rebatch.h"
#include "onnx/specialise.h"

// What the files of Session share: programs, compiled once for what they were made for. session_plans.cpp
// makes them, session_run.cpp runs them.

namespace onnxray {

constexpr size_t kCachedPlans = 16;

class Session::Impl {
 public:
  Impl(Model model, const SessionOptions& options)
      : model_(std::move(model)),
        max_memory_(options.max_memory),
        given_group_(options.samples_at_once),
        backend_(make_backend(options)),
        folder_(make_backend({"reference", "double", 1})),
        bound_(bound_inputs(graph(), ops())) {
    for (const OutputInfo& output : model_.data_->imported.outputs) {
      if (output.dtype) declared_types_[result_name(graph()[output.declared.value].name)] = *output.dtype;
    }
    for (const auto& [name, axis] : options.sample_axes) given_samples_[find_value(graph(), name)] = axis;
  }

  const Graph& graph() const { return model_.data_->imported.graph; }
  static const OpRegistry& ops() { return OpRegistry::builtin(); }
  Backend& backend() { return *backend_; }

  CompiledPlan& plan_for(const std::vector<Tensor>& inputs, PlanKey key);

  /// A call of the session: f(), where no other is at work.
  template <class F>
  auto in_turn(const F& f) {
    const Turn turn(at_work_);
    return guarded(f);
  }

  double device_milliseconds = 0;  // of the last run
  std::vector<std::string> notes;  // about the last run
  std::string one_sample_only;     // why no plan takes more than one sample, once that was found

  FixedBatch fixed_batch_of(const std::vector<Tensor>& inputs) const;

  int64_t max_memory() const { return max_memory_; }

  /// Of a plan's constants, those that are tensors of the loaded model.
  int64_t bytes_of_model(const Plan& plan) const;

  /// How many samples of a batch to run at once: as many as were asked for, or suit the plan; all, where they
  /// do not come apart. A plan over the memory bound has axes where it can be split.
  const BatchGroups& groups_for(const std::vector<Tensor>& inputs, PlanKey key);

  /// The axes of a batch that may be explained in groups: the model leaves them open in its inputs, and every
  /// sample's results, and `at`, come of that sample alone. `compiled` is for all of it.
  std::optional<BatchAxes> batch_axes(const std::vector<Tensor>& inputs, const CompiledPlan& compiled);

  /// Milliseconds by step.
  StepTimes profile(CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                    const std::vector<Tensor>& given, const std::vector<TargetSpec>& targets);

  /// A program to be written: its further operands are constants, its results attributions and, where asked
  /// for, the model's own.
  struct Exportable {
    Program program;
    std::vector<std::string> explained;  ///< the names of what is attributed to
  };
  Exportable exportable(const std::vector<Tensor>& inputs, PlanKey key, const std::vector<Tensor>& given,
                        const std::vector<TargetSpec>& targets, bool with_models_outputs);

  /// Runs a plan; results by name.
  std::map<std::string, Tensor> run(CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                                    const std::vector<Tensor>& given, const std::vector<TargetSpec>& targets,
                                    const std::function<void(int64_t, int64_t)>& progress);

 private:
  /// Where the plan is over the bound, does without Winograd's large weights, then recomputes in place of
  /// keeping.
  void fit(CompiledPlan& compiled);

  /// Error(unsupported) where the plan takes more than the machine has.
  Executable& executable(CompiledPlan& compiled);

  std::vector<Tensor> operands(const CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                               const std::vector<Tensor>& given,
                               const std::vector<TargetSpec>& targets) const;

  /// Methods of one plan agree on this: group_methods sees to it.
  static PassOptions passes_for(const std::vector<MethodSpec>& methods) {
    return {.fold_batchnorm = methods.empty() || folds_batchnorm(methods.front())};
  }

  bool is_bound(ValueId id) const { return std::ranges::find(bound_, id) != bound_.end(); }

  void check_count(const std::vector<Tensor>& inputs) const;

  /// A result of the model as its file declares it: what was computed in float may be half or double there.
  Tensor as_declared(const std::string& result, Tensor value) const;

  static std::vector<Shape> shapes_of(const std::vector<Tensor>& inputs) {
    std::vector<Shape> shapes;
    for (const Tensor& t : inputs) shapes.push_back(t.shape());
    return shapes;
  }

  void complete(PlanKey& key, const std::vector<Tensor>& inputs) const;

  /// The graph for these shapes, and the choice that it was made of. Where an output needs what cannot be
  /// computed, the named one alone may do: then it is the only one. What the data decides is as these inputs
  /// have it.
  std::pair<Graph, OutputChoice> specialised(Specialisation& special, const PlanKey& key,
                                             const std::vector<Tensor>& inputs);

  /// Trips of loops run at most `most_steps` at once.
  Emitted emit(const std::vector<Tensor>& inputs, const PlanKey& key, int64_t most_steps);

  /// As many steps of a loop at once as the backend likes and max_memory allows.
  CompiledPlan make(const std::vector<Tensor>& inputs, const PlanKey& key);

  std::pair<CompiledPlan, int64_t> make_with(const std::vector<Tensor>& inputs, PlanKey key,
                                             int64_t most_steps);

  Model model_;
  std::atomic<bool> at_work_ = false;
  int64_t max_memory_ = 0, given_group_ = 0;
  std::unique_ptr<Backend> backend_, folder_;
  std::vector<ValueId> bound_;
  GivenSamples given_samples_;
  std::map<std::string, DType> declared_types_;  // of the model's outputs, by result_name
  std::list<CompiledPlan> plans_;                // the last used first
  std::list<BatchGroups> groups_;                // what groups_for found, the last first
};

}  // namespace onnxray
