#include "backends/cudnn/executable.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "backends/cudnn/host_step.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/reference/reference.h"
#include "core/cost.h"
#include "core/fail.h"
#include "core/optimise/denominators.h"
#include "core/parallel_copy.h"
#include "core/storage.h"

namespace onnxray::cudnn {

namespace {

constexpr std::array kBlocks{Block::once, Block::repeat, Block::finish};

/// Runs a plan on the device: inputs go through pinned slots, the three blocks are recorded as CUDA graphs
/// once and replayed, results come back through pinned slots.
class DeviceExecutable final : public Executable {
 public:
  DeviceExecutable(const Plan& plan, Compiler& compiler, WeightStore& weights,
                   const ExecutableOptions& options)
      : plan_(plan),
        device_(compiler.device),
        weights_(weights),
        denominators_(find_denominators(plan.program)) {
    constants_.resize(plan.program.variables.size());
    on_device_.resize(plan.program.variables.size());
    addresses_.resize(plan.program.variables.size(), nullptr);
    arena_ = Memory(plan.arena_bytes, Memory::Place::device, "the plan");
    fault_ = Memory(sizeof(int), Memory::Place::pinned, "a flag");
    *reinterpret_cast<int*>(fault_.data()) = 0;
    make_slots();
    hold_constants();
    resolve_addresses();
    for (size_t i = 0; i < plan_.program.steps.size(); ++i) {
      if (!plan_.is_view[i]) compile_step(plan_.program.steps[i], compiler);
    }
    check(cudaEventCreate(&start_), "making an event");
    check(cudaEventCreate(&stop_), "making an event");
    prepare();
    if (options.record) record();
  }

  ~DeviceExecutable() override {
    cudaStreamSynchronize(device_.stream);
    for (cudaGraphExec_t graph : graphs_) {
      if (graph != nullptr) cudaGraphExecDestroy(graph);
    }
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
  }
  DeviceExecutable(const DeviceExecutable&) = delete;
  DeviceExecutable& operator=(const DeviceExecutable&) = delete;

  std::vector<Tensor> run(std::span<const Tensor> inputs,
                          const std::function<void(int64_t, int64_t)>& progress) override {
    fill_slots(inputs);
    for (const Slot& slot : inputs_)
      copy(address(slot.var), slot.pinned.data(), slot.pinned.size(), cudaMemcpyHostToDevice);
    check(cudaEventRecord(start_, device_.stream), "timing");
    play(Block::once);
    for (int64_t trip = 0; trip < trips(); ++trip) {
      play(Block::repeat);
      if (!progress) continue;
      synchronize();
      progress(trip + 1, trips());
    }
    play(Block::finish);
    check(cudaEventRecord(stop_, device_.stream), "timing");
    free_slots();
    for (const Slot& slot : outputs_)
      copy(slot.pinned.data(), address(slot.var), slot.pinned.size(), cudaMemcpyDeviceToHost);
    synchronize();
    for (HostStep* step : host_steps_) step->rethrow();
    check_fault();
    return read_outputs();
  }

  StepTimes profile(std::span<const Tensor> inputs) override {
    run(inputs, {});  // leaves the inputs on the device
    const Launch launch{device_.stream, workspace_.data(), reinterpret_cast<int*>(fault_.data())};
    StepTimes times;
    for (CompiledStep& s : steps_) {
      check(cudaEventRecord(start_, device_.stream), "timing");
      s.step->launch(launch, s.in, s.out);
      check(cudaEventRecord(stop_, device_.stream), "timing");
      check(cudaEventSynchronize(stop_), "timing");
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, start_, stop_), "timing");
      times.push_back({s.text + " " + s.step->text(), milliseconds, s.flops});
    }
    return times;
  }

  double device_milliseconds() const override {
    float milliseconds = 0;
    return cudaEventElapsedTime(&milliseconds, start_, stop_) == cudaSuccess ? double{milliseconds} : 0;
  }

  std::vector<std::string> notes() const override {
    std::vector<std::string> lines;
    for (const auto& [primitive, count] : on_host_) {
      lines.push_back(fmt::format("{} {} ran on the CPU: the cudnn backend has no kernel for {}", count,
                                  count == 1 ? "step" : "steps", primitive));
    }
    return lines;
  }

 private:
  struct CompiledStep {
    std::unique_ptr<DeviceStep> step;
    Block block;
    std::vector<const std::byte*> in;
    std::vector<std::byte*> out;
    std::string text;  // for profile
    double flops = 0;  // likewise
  };

  /// Where an input or an output passes between the caller and the device.
  struct Slot {
    Var var;
    Memory pinned;
  };

  Var root(Var v) const { return plan_[v].root; }
  std::byte* address(Var v) const { return addresses_[static_cast<size_t>(v.id)]; }

  int64_t bytes_of(Var v) const {
    const Variable& variable = plan_.program[v];
    return element_count(variable.shape) * stored_size(variable.dtype, plan_.options);
  }

  int64_t trips() const {
    const bool repeats =
        std::ranges::any_of(steps_, [](const CompiledStep& s) { return s.block == Block::repeat; });
    return repeats ? plan_.program.trips : 0;
  }

  void make_slots() {
    for (const NamedVar& input : plan_.program.inputs) {
      inputs_.push_back({input.var, Memory(bytes_of(input.var), Memory::Place::pinned, "an input")});
      on_device_[static_cast<size_t>(input.var.id)] =
          share(Memory(bytes_of(input.var), Memory::Place::device, "an input"));
    }
    for (const NamedVar& output : plan_.program.outputs)
      outputs_.push_back({output.var, Memory(bytes_of(output.var), Memory::Place::pinned, "a result")});
  }

  static std::shared_ptr<const std::byte> share(const Memory& memory) {
    return {memory.data(), [memory](const std::byte*) {}};
  }

  void hold_constants() {
    const auto hold = [&](Var viewed) {
      const Var v = root(viewed);
      const Variable& variable = plan_.program[v];
      auto& held = constants_[static_cast<size_t>(v.id)];
      if (!variable.constant || held) return;
      held = to_storage(*variable.constant, variable.dtype, plan_.options);
      on_device_[static_cast<size_t>(v.id)] = weights_.hold(*held);
    };
    for (size_t i = 0; i < plan_.program.steps.size(); ++i) {
      if (plan_.is_view[i]) continue;
      for (const Var v : plan_.program.steps[i].inputs) hold(v);
    }
    for (const NamedVar& output : plan_.program.outputs) hold(output.var);
    for (const LoopVariable& carried : plan_.program.loop) hold(carried.initial);
  }

  void resolve_addresses() {
    for (size_t v = 0; v < addresses_.size(); ++v) {
      const Placement& placement = plan_.placements[v];
      // Kernels never write through the address of a constant or an input.
      const auto& held = on_device_[static_cast<size_t>(placement.root.id)];
      if (held) addresses_[v] = const_cast<std::byte*>(held.get());
      if (placement.home == Placement::Home::arena) addresses_[v] = arena_.data() + placement.offset;
    }
  }

  Operand operand(Var v) const {
    const Variable& variable = plan_.program[v];
    const auto& held = constants_[static_cast<size_t>(root(v).id)];
    return {variable.shape, plan_[v].strides, variable.dtype, held ? held->bytes() : nullptr};
  }

  void compile_step(const Step& step, Compiler& compiler) {
    std::vector<Operand> in, out;
    CompiledStep compiled{nullptr, step.block, {}, {}, std::string(name_of(step.primitive))};
    compiled.text += " " + to_string(plan_.program[step.outputs[0]].shape);
    compiled.flops = cost_of(plan_.program, step, plan_.options).flops;
    for (const Var v : step.inputs) {
      in.push_back(operand(v));
      compiled.in.push_back(address(v));
    }
    for (const Var v : step.outputs) {
      out.push_back(operand(v));
      compiled.out.push_back(address(v));
    }
    const Operands operands{in, out, denominators_[static_cast<size_t>(step.outputs[0].id)]};
    compiled.step = compiler.compile(step.primitive, operands);
    if (!compiled.step) {
      auto on_host = std::make_unique<HostStep>(reference_->compile(step.primitive, in, out), operands);
      host_steps_.push_back(on_host.get());
      compiled.step = std::move(on_host);
      ++on_host_[std::string(name_of(step.primitive))];
    }
    steps_.push_back(std::move(compiled));
  }

  void prepare() {
    int64_t most = 0;
    for (CompiledStep& s : steps_) {
      s.step->prepare(device_.stream, s.in, s.out);
      most = std::max(most, s.step->workspace_bytes());
    }
    workspace_ = Memory(most, Memory::Place::device, "scratch of the algorithms");
    synchronize();
  }

  /// Enqueues a block, with what hands the loop's variables over.
  void enqueue(Block block) {
    const Launch launch{device_.stream, workspace_.data(), reinterpret_cast<int*>(fault_.data())};
    for (CompiledStep& s : steps_) {
      if (s.block == block) s.step->launch(launch, s.in, s.out);
    }
    const Var index = plan_.program.step_index;
    if (block == Block::once) {
      for (const LoopVariable& carried : plan_.program.loop) hand_over(carried.initial, carried.current);
      if (index) check(cudaMemsetAsync(address(index), 0, sizeof(int64_t), device_.stream), "counting trips");
    }
    if (block == Block::repeat) {
      for (const LoopVariable& carried : plan_.program.loop) hand_over(carried.next, carried.current);
      if (index) increment(device_.stream, reinterpret_cast<int64_t*>(address(index)));
    }
  }

  void hand_over(Var from, Var to) {
    if (!same_layout(plan_.program[to].shape, plan_[from].strides, plan_[to].strides))
      throw std::logic_error("loop variables lie differently");
    if (address(from) == address(to)) return;  // written in place
    copy(address(to), address(from), bytes_of(to), cudaMemcpyDeviceToDevice);
  }

  void copy(std::byte* to, const std::byte* from, int64_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, device_.stream), "copying");
  }

  void record() {
    for (const Block block : kBlocks) {
      check(cudaStreamBeginCapture(device_.stream, cudaStreamCaptureModeThreadLocal), "recording a plan");
      cudaGraph_t graph = nullptr;
      try {
        enqueue(block);
      } catch (...) {
        cudaStreamEndCapture(device_.stream, &graph);
        if (graph != nullptr) cudaGraphDestroy(graph);
        throw;
      }
      check(cudaStreamEndCapture(device_.stream, &graph), "recording a plan");
      const cudaError_t status = cudaGraphInstantiate(&graphs_[static_cast<size_t>(block)], graph, 0);
      cudaGraphDestroy(graph);
      check(status, "recording a plan");
    }
  }

  void play(Block block) {
    const cudaGraphExec_t graph = graphs_[static_cast<size_t>(block)];
    if (graph == nullptr) return enqueue(block);
    check(cudaGraphLaunch(graph, device_.stream), "replaying a plan");
  }

  void synchronize() { check(cudaStreamSynchronize(device_.stream), "running a plan"); }

  void check_fault() {
    int& fault = *reinterpret_cast<int*>(fault_.data());
    require(
        std::exchange(fault, 0) == 0, ErrorCode::usage,
        "an index lies outside the tensor that it reads; check the indices in the model's input, or run on "
        "the reference backend to see which");
  }

  void fill_slots(std::span<const Tensor> given) {
    require(given.size() == inputs_.size(), ErrorCode::usage, "the program has {} inputs, {} were given",
            inputs_.size(), given.size());
    for (size_t i = 0; i < given.size(); ++i) {
      const Variable& variable = plan_.program[inputs_[i].var];
      require(given[i].shape() == variable.shape, ErrorCode::usage,
              "input '{}' has shape {}, the plan was made for {}", plan_.program.inputs[i].name,
              to_string(given[i].shape()), to_string(variable.shape));
      const Tensor stored = to_storage(given[i], variable.dtype, plan_.options);
      copy_in_parallel(inputs_[i].pinned.data(), stored.bytes(), stored.byte_size());
    }
  }

  /// A slot for every result that no earlier result still holds.
  void free_slots() {
    for (Slot& slot : outputs_) {
      if (slot.pinned.is_shared())
        slot.pinned = Memory(slot.pinned.size(), Memory::Place::pinned, "a result");
    }
  }

  std::vector<Tensor> read_outputs() const {
    std::vector<Tensor> results;
    for (const Slot& slot : outputs_) {
      const Variable& variable = plan_.program[slot.var];
      if (!is_floating(variable.dtype)) {
        results.push_back(from_storage(slot.pinned.data(), variable, plan_[slot.var].strides, plan_.options));
        continue;
      }
      // The program's results are row-major; they keep the slot that they came through.
      const auto owner = std::make_shared<Memory>(slot.pinned);
      results.emplace_back(DType::f32, variable.shape, owner, slot.pinned.data());
    }
    return results;
  }

  Plan plan_;
  Device& device_;
  WeightStore& weights_;
  std::vector<bool> denominators_;  // by variable
  std::unique_ptr<KernelCompiler> reference_ = make_reference_compiler_f32();
  std::vector<std::optional<Tensor>> constants_;             // by root
  std::vector<std::shared_ptr<const std::byte>> on_device_;  // constants and inputs, by root
  std::vector<std::byte*> addresses_;
  Memory arena_, workspace_, fault_;
  std::vector<Slot> inputs_, outputs_;
  std::vector<CompiledStep> steps_;
  std::vector<HostStep*> host_steps_;
  std::map<std::string, int> on_host_;  // primitive -> steps
  std::array<cudaGraphExec_t, kBlocks.size()> graphs_{};
  cudaEvent_t start_ = nullptr, stop_ = nullptr;  // around the last run, without copies
};

}  // namespace

std::unique_ptr<Executable> compile_for_device(const Plan& plan, Compiler& compiler, WeightStore& weights,
                                               const ExecutableOptions& options) {
  return std::make_unique<DeviceExecutable>(plan, compiler, weights, options);
}

}  // namespace onnxray::cudnn
