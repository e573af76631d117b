#pragma once

#include "methods/method.h"

namespace onnxray {

/// The graph that a trip of a loop runs: over `count` times the samples.
struct Wide {
  const Graph* graph = nullptr;
  int64_t count = 1;
};

/// The program's loop, for methods that run the graph again on moved inputs, once per step. A trip runs
/// `width()` steps at once, side by side as further samples; where the last trip has steps to spare it
/// repeats the last one, with weight 0. Between construction and finish() steps belong to Block::repeat,
/// after it to Block::finish.
///
/// What steps have side by side has their number in front: [width, N, ...] for a batch of N, [width, ...] for
/// one sample, and at width 1 the shape that it has for the batch. Steps lie side by side only where the
/// samples lead in all values.
class Loop {
 public:
  /// The parameter `micro_batch` of the method, or the work of a step, says how many steps a trip runs.
  /// `values`: of the graph, which the trip moves or reads.
  Loop(const MethodContext& context, const MethodSpec& method, int64_t steps,
       std::span<const ValueId> values);

  int64_t width() const { return wide_.count; }
  const Wide& wide() const { return wide_; }

  /// Numbers of the trip's steps, i64: [width], or a scalar at width 1.
  Var step_numbers();
  /// Entries number `which` (as step_numbers) of a table whose further axes are those of the batch.
  Var entries(Var table, Var which);
  /// Entries of a table that has one for each step.
  Var per_step(Var table) { return entries(table, step_numbers()); }
  /// A number by step, to be broadcast to values of `rank` axes (with the samples', without the steps').
  Var numbers(const std::vector<double>& by_step, size_t rank, DType dtype);
  /// The same with 0 for steps that are repeated.
  Var weights(const std::vector<double>& by_step, size_t rank, DType dtype);
  /// A number by trip.
  Var per_trip(const std::vector<double>& table, DType dtype);
  int64_t trips() const { return b_.program().trips; }
  /// How many steps of trip `t` are not repetitions.
  int64_t steps_of(int64_t t) const { return std::min(width(), steps_ - t * width()); }

  /// The shape of `samples`' values side by side.
  Shape apart_shape(Shape samples) const;
  /// Side by side -> as one batch [width * N, ...]; broadcasts to the shape of the batch, [N, ...].
  Var joined(Var v, Shape samples);
  /// One batch -> side by side.
  Var apart(Var v);
  /// Side by side -> their sum.
  Var sum_of_steps(Var v);

  /// A value that starts as zeros and becomes `next(current)` after each trip; what it is after the last one.
  struct Carried {
    size_t index = 0;
    Var current;
  };
  Carried carry(Shape shape, DType dtype);
  void update(const Carried& carried, Var next);

  void finish() { b_.set_block(Block::finish); }

 private:
  Var of_steps(std::vector<double> table, size_t rank, DType dtype, bool repeats);
  Var of_trip(const Tensor& table, DType dtype);

  Builder& b_;
  int64_t steps_, samples_;
  Wide wide_;
  Var step_numbers_;
};

/// The graph run on other values of some of its own, whatever computes those in the graph itself.
class MovedPass {
 public:
  /// `moved` stand for `values`, in the shapes of a wide graph's batch, and so does `selection`.
  MovedPass(const MethodContext& context, const Wide& wide, std::span<const ValueId> values,
            std::span<const Var> moved, Var selection);
  /// On the batch itself.
  MovedPass(const MethodContext& context, std::span<const Var> moved);
  MovedPass(const MovedPass&) = delete;
  MovedPass& operator=(const MovedPass&) = delete;

  const MethodContext& context() const { return context_; }
  /// Gradients by value, zeros where the target does not depend on one.
  std::vector<Var> gradients(const MethodSpec& method, std::span<const ValueId> values) const;

 private:
  Graph graph_;
  std::vector<Var> inputs_;
  Forward forward_;
  MethodContext context_;
};

/// Sum of selection * logits per sample: [N].
Var score(const MethodContext& context, Var selection);

/// What the explained variables are compared with: zeros, `baseline=NUMBER`, or the tensors that the caller
/// gave.
std::vector<Var> baselines(const MethodSpec& method, const MethodContext& context);

}  // namespace onnxray
