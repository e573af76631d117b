#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

#include "core/cost.h"
#include "core/epilogue.h"
#include "core/fail.h"
#include "core/kernel.h"
#include "core/storage.h"

namespace onnxray {

namespace {

struct Free {
  void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
};

class HostExecutable final : public Executable {
 public:
  HostExecutable(const Plan& plan, KernelCompiler& compiler)
      : plan_(plan), constants_(plan.program.variables.size()) {
    // operator new is lazy: pages that no step touches cost nothing.
    arena_.reset(new (std::align_val_t{64})
                     std::byte[static_cast<size_t>(std::max<int64_t>(plan.arena_bytes, 64))]);
    addresses_.resize(plan.program.variables.size(), nullptr);
    compile_steps(compiler);
    for (const NamedVar& output : plan_.program.outputs) hold_constant(output.var);
    for (const LoopVariable& carried : plan_.program.loop) hold_constant(carried.initial);
    resolve_addresses();
  }

  std::vector<Tensor> run(std::span<const Tensor> inputs,
                          const std::function<void(int64_t, int64_t)>& progress) override {
    const std::vector<Tensor> held = hold_inputs(inputs);
    run_block(Block::once);
    begin_loop();
    for (int64_t trip = 0; trip < trips(); ++trip) {
      if (plan_.program.step_index) std::memcpy(address(plan_.program.step_index), &trip, sizeof trip);
      run_block(Block::repeat);
      for (const LoopVariable& carried : plan_.program.loop) copy(carried.next, carried.current);
      if (progress) progress(trip + 1, trips());
    }
    run_block(Block::finish);
    std::vector<Tensor> outputs;
    for (const NamedVar& output : plan_.program.outputs) outputs.push_back(read(output.var));
    return outputs;
  }

  StepTimes profile(std::span<const Tensor> inputs) override {
    constexpr int kRuns = 5;
    run(inputs, {});  // warm
    const std::vector<Tensor> held = hold_inputs(inputs);
    StepTimes least = time_steps();
    for (int i = 1; i < kRuns; ++i) {
      const StepTimes times = time_steps();
      for (size_t s = 0; s < times.size(); ++s)
        least[s].milliseconds = std::min(least[s].milliseconds, times[s].milliseconds);
    }
    return least;
  }

 private:
  struct CompiledStep {
    std::unique_ptr<Kernel> kernel;
    Block block;
    std::vector<Var> inputs, outputs;
    std::vector<const std::byte*> in;  // refreshed where a program input's buffer changes
    std::vector<std::byte*> out;
    std::string text;  // for profile
    double flops;      // likewise
  };

  StepTimes time_steps() {
    using Clock = std::chrono::steady_clock;
    StepTimes times;
    for (CompiledStep& step : steps_) {
      if (step.block != Block::once && trips() > 0 && times.size() == first_after_once()) begin_loop();
      const auto start = Clock::now();
      step.kernel->run(step.in, step.out);
      const std::chrono::duration<double, std::milli> time = Clock::now() - start;
      times.push_back({step.text, time.count(), step.flops});
    }
    return times;
  }

  size_t first_after_once() const {
    return static_cast<size_t>(std::ranges::count(steps_, Block::once, &CompiledStep::block));
  }

  int64_t trips() const {
    for (const CompiledStep& step : steps_) {
      if (step.block == Block::repeat) return plan_.program.trips;
    }
    return 0;
  }

  void hold_constant(Var viewed) {
    const Var v = plan_[viewed].root;
    const Variable& variable = plan_.program[v];
    auto& held = constants_[static_cast<size_t>(v.id)];
    if (variable.constant && !held) held = to_storage(*variable.constant, variable.dtype, plan_.options);
  }

  Operand operand(Var v) {
    hold_constant(v);
    const Variable& variable = plan_.program[v];
    const auto& held = constants_[static_cast<size_t>(plan_[v].root.id)];
    return {variable.shape, plan_[v].strides, variable.dtype, held ? held->bytes() : nullptr, plan_[v].bits};
  }

  std::string step_text(const Step& step) const {
    return std::string(name_of(step.primitive)) + " " + to_string(plan_.program[step.outputs[0]].shape) +
           " " + attributes_text(step.primitive);
  }

  void compile_steps(KernelCompiler& compiler) {
    const auto& steps = plan_.program.steps;
    const std::vector<Epilogue> epilogues = find_epilogues(plan_);
    std::vector<bool> done = plan_.is_view;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (done[i]) continue;
      if (epilogues[i] && compile_pair(steps[i], epilogues[i], compiler))
        done[static_cast<size_t>(epilogues[i].step)] = true;
      else
        add(steps[i], steps[i].outputs,
            compiler.compile(steps[i].primitive, operands(steps[i].inputs), operands(steps[i].outputs)));
    }
  }

  bool compile_pair(const Step& first, const Epilogue& epilogue, KernelCompiler& compiler) {
    const Step& last = plan_.program.steps[static_cast<size_t>(epilogue.step)];
    const Expression expression =
        continuing(std::get<Elementwise>(last.primitive).expression, epilogue.continued);
    std::vector<Var> results = first.outputs;
    results[0] = last.outputs[0];
    auto kernel = compiler.compile_with_epilogue(first.primitive, expression, operands(first.inputs),
                                                 operands(results));
    if (!kernel) return false;
    add(first, results, std::move(kernel));
    steps_.back().flops += cost_of(plan_.program, last, plan_.options).flops;
    return true;
  }

  void add(const Step& step, const std::vector<Var>& outputs, std::unique_ptr<Kernel> kernel) {
    steps_.push_back({std::move(kernel),
                      step.block,
                      step.inputs,
                      outputs,
                      {},
                      {},
                      step_text(step),
                      cost_of(plan_.program, step, plan_.options).flops});
  }

  std::vector<Operand> operands(const std::vector<Var>& vars) {
    std::vector<Operand> result;
    for (const Var v : vars) result.push_back(operand(v));
    return result;
  }

  std::byte* address(Var v) { return addresses_[static_cast<size_t>(v.id)]; }

  void resolve_addresses() {
    for (size_t v = 0; v < addresses_.size(); ++v) {
      const Placement& placement = plan_.placements[v];
      if (placement.home == Placement::Home::arena) addresses_[v] = arena_.get() + placement.offset;
      const auto& held = constants_[static_cast<size_t>(placement.root.id)];
      // Kernels never write through the address of a constant.
      if (held) addresses_[v] = const_cast<std::byte*>(held->bytes());
    }
    for (CompiledStep& step : steps_) {
      step.in.clear();
      step.out.clear();
      for (const Var v : step.inputs) step.in.push_back(address(v));
      for (const Var v : step.outputs) step.out.push_back(address(v));
    }
  }

  std::vector<Tensor> hold_inputs(std::span<const Tensor> inputs) {
    const auto& declared = plan_.program.inputs;
    require(inputs.size() == declared.size(), ErrorCode::usage, "the program has {} inputs, {} were given",
            declared.size(), inputs.size());
    std::vector<Tensor> held;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Variable& variable = plan_.program[declared[i].var];
      if (inputs[i].shape() != variable.shape)
        fail(ErrorCode::usage, "input '{}' has shape {}, the plan was made for {}", declared[i].name,
             to_string(inputs[i].shape()), to_string(variable.shape));
      held.push_back(to_storage(inputs[i], variable.dtype, plan_.options));
      addresses_[static_cast<size_t>(declared[i].var.id)] = const_cast<std::byte*>(held.back().bytes());
    }
    for (size_t v = 0; v < addresses_.size(); ++v) {
      const Placement& placement = plan_.placements[v];
      if (placement.home == Placement::Home::input)
        addresses_[v] = addresses_[static_cast<size_t>(placement.root.id)];
    }
    for (CompiledStep& step : steps_) {
      for (size_t i = 0; i < step.inputs.size(); ++i) step.in[i] = address(step.inputs[i]);
    }
    return held;
  }

  void run_block(Block block) {
    for (CompiledStep& step : steps_) {
      if (step.block == block) run_step(step);
    }
  }

  void run_step(CompiledStep& step) {
    try {
      step.kernel->run(step.in, step.out);
    } catch (const Error& error) {
      const std::string& label = plan_.program[step.outputs[0]].label;
      if (label.empty()) throw;
      throw Error(error.code(), fmt::format("'{}': {}", label, error.what()));
    }
  }

  void begin_loop() {
    for (const LoopVariable& carried : plan_.program.loop) copy(carried.initial, carried.current);
  }

  /// Layouts of loop variables agree (core/layout.cpp), except that a constant or an input is row-major.
  void copy(Var from, Var to) {
    const Variable& variable = plan_.program[to];
    const int64_t size = stored_size(variable.dtype, plan_.options);
    if (!same_layout(variable.shape, plan_[from].strides, plan_[to].strides)) {
      throw std::logic_error("loop variables lie differently");
    }
    if (address(from) == address(to)) return;  // written in place
    std::memcpy(address(to), address(from), static_cast<size_t>(element_count(variable.shape) * size));
  }

  Tensor read(Var v) { return from_storage(address(v), plan_.program[v], plan_[v].strides, plan_.options); }

  Plan plan_;
  std::vector<std::optional<Tensor>> constants_;
  std::unique_ptr<std::byte[], Free> arena_;
  std::vector<std::byte*> addresses_;
  std::vector<CompiledStep> steps_;
};

}  // namespace

std::unique_ptr<Kernel> KernelCompiler::compile_with_epilogue(const Primitive&, const Expression&,
                                                              std::span<const Operand>,
                                                              std::span<const Operand>) {
  return nullptr;
}

std::unique_ptr<Executable> compile_for_host(const Plan& plan, KernelCompiler& compiler) {
  return std::make_unique<HostExecutable>(plan, compiler);
}

}  // namespace onnxray
