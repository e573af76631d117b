#pragma once

#include "methods/method.h"

namespace onnxray {

/// The program's loop, for methods that run the graph again on moved inputs. One trip moves the whole batch
/// at once. Between construction and finish() steps belong to Block::repeat, after it to Block::finish.
class Loop {
 public:
  Loop(const MethodContext& context, int64_t trips);

  /// Entry number `trip` of a table; the first axis counts trips.
  Var per_trip(const std::vector<double>& table, DType dtype);
  Var per_trip(const Tensor& table, DType dtype);
  Var per_trip(Var table);
  Var trip() { return b_.step_index(); }

  /// A value that starts as zeros and becomes `next(current)` after each trip; what it is after the last one.
  struct Carried {
    size_t index = 0;
    Var current;
  };
  Carried carry(Shape shape, DType dtype);
  void update(const Carried& carried, Var next);

  void finish() { b_.set_block(Block::finish); }

 private:
  Builder& b_;
};

/// The graph run on other values of what is explained. Where that is an inner value, what computes it is cut
/// off.
class MovedPass {
 public:
  MovedPass(const MethodContext& context, std::span<const Var> moved);
  MovedPass(const MovedPass&) = delete;
  MovedPass& operator=(const MovedPass&) = delete;

  /// As the clean pass's context; the selection stays the clean pass's.
  const MethodContext& context() const { return context_; }
  /// Gradients by explained variable, zeros where the target does not depend on one.
  std::vector<Var> gradients(const MethodSpec& method) const;

 private:
  Graph graph_;
  std::vector<Var> inputs_;
  Forward forward_;
  MethodContext context_;
};

/// Sum of selection * logits per sample: [N].
Var score(Builder& b, Var selection, Var logits);
/// The sum over all axes but the first.
Var sum_per_sample(Builder& b, Var v);

/// What the explained variables are compared with: zeros, `baseline=NUMBER`, or the tensors that the caller
/// gave.
std::vector<Var> baselines(const MethodSpec& method, const MethodContext& context);

}  // namespace onnxray
