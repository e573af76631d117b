#include <set>

#include "api/session_impl.h"
#include "core/machine_memory.h"
#include "core/optimise/optimise.h"
#include "core/recompute.h"

// Session::Impl: how programs are run, within the memory that they may take.

namespace onnxray {

FixedBatch Session::Impl::fixed_batch_of(const std::vector<Tensor>& inputs) const {
  check_count(inputs);
  return fixed_batch(graph(), bound_, shapes_of(inputs));
}

int64_t Session::Impl::bytes_of_model(const Plan& plan) const {
  std::set<const std::byte*> held;
  for (const Value& value : graph().values) {
    if (value.constant && !value.constant->is_borrowed()) held.insert(value.constant->bytes());
  }
  std::set<const std::byte*> used;
  int64_t bytes = 0;
  for (const Step& step : plan.program.steps) {
    for (const Var v : step.inputs) {
      const auto& constant = plan.program[plan[v].root].constant;
      if (constant && held.contains(constant->bytes()) && used.insert(constant->bytes()).second)
        bytes += constant->byte_size();
    }
  }
  return bytes;
}

Executable& Session::Impl::executable(CompiledPlan& compiled) {
  if (compiled.executable) return *compiled.executable;
  const int64_t needed = planned_bytes(compiled.plan), there = machine_memory();
  require(
      needed <= there, ErrorCode::unsupported,
      "the plan needs {:.4g} GB and this process can have {:.4g} GB; give it smaller inputs, or bound the "
      "plan by max_memory",
      static_cast<double>(needed) / 1e9, static_cast<double>(there) / 1e9);
  compiled.executable = backend_->compile(compiled.plan);
  return *compiled.executable;
}

StepTimes Session::Impl::profile(CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                                 const std::vector<Tensor>& given, const std::vector<TargetSpec>& targets) {
  return executable(compiled).profile(operands(compiled, inputs, given, targets));
}

std::map<std::string, Tensor> Session::Impl::run(CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                                                 const std::vector<Tensor>& given,
                                                 const std::vector<TargetSpec>& targets,
                                                 const std::function<void(int64_t, int64_t)>& progress) {
  if (max_memory_ > 0) fit(compiled);
  std::vector<Tensor> values = executable(compiled).run(operands(compiled, inputs, given, targets), progress);
  device_milliseconds = compiled.executable->device_milliseconds();
  std::map<std::string, Tensor> results;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string& name = compiled.output_names[i];
    results.emplace(name, as_declared(name, std::move(values[i])));
  }
  return results;
}

Tensor Session::Impl::as_declared(const std::string& result, Tensor value) const {
  const auto declared = declared_types_.find(result);
  const bool keeps_double = backend_->plan_options().real_size == sizeof(double);
  if (declared == declared_types_.end() || !is_floating(declared->second)) return value;
  return keeps_double ? value.to(DType::f64) : value.to(declared->second);
}

void Session::Impl::fit(CompiledPlan& compiled) {
  const PlanOptions options = backend_->plan_options();
  const auto is_over = [&] { return planned_bytes(compiled.plan) > max_memory_ && !compiled.executable; };
  if (is_over()) {
    avoid_winograd(compiled.optimised);
    part_by_sign(compiled.optimised);
    compiled.plan = make_plan(compiled.optimised, options);
  }
  if (is_over()) {
    const int64_t rest = planned_bytes(compiled.plan) - compiled.plan.arena_bytes;
    compiled.plan = make_plan(recompute_to_fit(compiled.optimised, options, max_memory_ - rest), options);
  }
  const int64_t needed = planned_bytes(compiled.plan);
  require(needed <= max_memory_, ErrorCode::failed,
          "the plan needs {} bytes, more than the {} of max_memory, after recomputing what can be; give "
          "at least {}, or smaller inputs",
          needed, max_memory_, needed);
}

std::vector<Tensor> Session::Impl::operands(const CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                                            const std::vector<Tensor>& given,
                                            const std::vector<TargetSpec>& targets) const {
  std::vector<Tensor> all;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!is_bound(graph().inputs[i].value)) all.push_back(inputs[i]);
  }
  all.insert(all.end(), given.begin(), given.end());
  for (const TargetSpec& target : targets) {
    if (target.form().needs_tensor())
      all.push_back(target_input(target, compiled.logits, compiled.sample_axis));
  }
  return all;
}

void Session::Impl::check_count(const std::vector<Tensor>& inputs) const {
  require(inputs.size() == graph().inputs.size(), ErrorCode::usage, "the model has {} inputs, {} were given",
          graph().inputs.size(), inputs.size());
}

}  // namespace onnxray
