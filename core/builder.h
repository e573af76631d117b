#pragma once

#include <span>

#include "core/growth_budget.h"
#include "core/program.h"

namespace onnxray {

/// Emits steps into a Program and infers the shape and type of every result.
/// Functions throw Error(bad_file) on operands that do not fit; the caller adds which node it was.
class Builder {
 public:
  /// With a `growth` its constants and tables are bounded; it must outlive this.
  explicit Builder(Program& program, GrowthBudget* growth = nullptr) : program_(program), growth_(growth) {}

  /// Before a table of `count` entries of 8 bytes is made: Error(unsupported) where the model may not grow by
  /// it.
  void claim(int64_t count) const {
    if (growth_) growth_->spend(count, 8, "a table");
  }
  /// The same for arithmetic on constants, done at once.
  void claim_flops(double flops) const {
    if (growth_) growth_->spend_flops(flops, "what is computed of constants");
  }

  Program& program() { return program_; }
  const Shape& shape(Var v) const { return program_[v].shape; }
  size_t rank(Var v) const { return shape(v).size(); }
  DType dtype(Var v) const { return program_[v].dtype; }
  const Tensor* constant(Var v) const { return program_.is_constant(v) ? &*program_[v].constant : nullptr; }

  void set_block(Block block) { block_ = block; }
  Block block() const { return block_; }
  /// The graph node that following steps belong to, and the label of their results.
  void set_origin(int32_t node, std::string label);

  Var input(std::string name, Shape shape, DType dtype);
  void output(std::string name, Var v) { program_.outputs.push_back({std::move(name), v}); }
  Var constant(Tensor value, std::string label = {});
  Var scalar(double value, DType dtype = DType::f32);
  /// A tensor filled with one number; emits no step.
  Var filled(double value, Shape shape, DType dtype = DType::f32);
  /// The trip number of the loop, i64 scalar; for steps in Block::repeat.
  Var step_index();

  // Elementwise. Rank-0 and one-element constants become immediates.
  Var unary(Opcode op, Var x);
  Var binary(Opcode op, Var a, Var b);
  Var binary(Opcode op, Var a, double b) { return binary(op, a, scalar(b, dtype(a))); }
  Var binary(Opcode op, double a, Var b) { return binary(op, scalar(a, dtype(b)), b); }
  Var select(Var condition, Var a, Var b);
  /// min(max(x, low), high).
  Var clip(Var x, Var low, Var high);
  /// Converts; the same variable where the type is already right.
  Var cast(Var x, DType dtype);

  template <class A, class B>
  Var add(A a, B b) {
    return binary(Opcode::add, a, b);
  }
  template <class A, class B>
  Var sub(A a, B b) {
    return binary(Opcode::sub, a, b);
  }
  template <class A, class B>
  Var mul(A a, B b) {
    return binary(Opcode::mul, a, b);
  }
  template <class A, class B>
  Var div(A a, B b) {
    return binary(Opcode::div, a, b);
  }
  template <class A, class B>
  Var pow(A a, B b) {
    return binary(Opcode::pow, a, b);
  }
  template <class A, class B>
  Var min(A a, B b) {
    return binary(Opcode::min, a, b);
  }
  template <class A, class B>
  Var max(A a, B b) {
    return binary(Opcode::max, a, b);
  }
  template <class A, class B>
  Var equal(A a, B b) {
    return binary(Opcode::equal, a, b);
  }
  template <class A, class B>
  Var less(A a, B b) {
    return binary(Opcode::less, a, b);
  }
  template <class A, class B>
  Var less_equal(A a, B b) {
    return binary(Opcode::less_equal, a, b);
  }
  Var neg(Var x) { return unary(Opcode::neg, x); }
  Var abs(Var x) { return unary(Opcode::abs, x); }
  Var exp(Var x) { return unary(Opcode::exp, x); }
  Var sqrt(Var x) { return unary(Opcode::sqrt, x); }

  // Linear algebra; see primitive.h for the operands.
  Var convolution(Var x, Var w, Var bias, const Window& window, int64_t groups);
  Var convolution_input(Var g, Var w, const Window& window, int64_t groups, Shape shape);
  struct Parted {
    Var y, p;
  };
  Parted split_convolution(Var x, Var w, Var bias, const Window& window, const WeightForm& part);
  Var split_convolution_input(Var p, Var n, Var w, const Window& window, Shape shape);
  Var convolution_weight(Var x, Var g, const Window& window, int64_t groups, Shape shape);
  Var matmul(Var a, Var b, bool transpose_a = false, bool transpose_b = false, Var bias = {});
  /// One factor and one result per form.
  std::vector<Var> form_products(std::span<const Var> a, Var b, bool transpose_b,
                                 std::vector<WeightForm> forms);

  // Reductions. `axes` may be negative; {} means all. Extents stay 1 unless `keep` is false.
  Var reduce(Reduce::Kind kind, Var x, std::vector<int64_t> axes, bool keep = true);
  Var sum(Var x, std::vector<int64_t> axes, bool keep = true) {
    return reduce(Reduce::Kind::sum, x, std::move(axes), keep);
  }
  Var mean(Var x, std::vector<int64_t> axes, bool keep = true);
  Var arg_reduce(Var x, int64_t axis, bool largest, bool last_on_ties = false);
  /// Indices of the `count` first entries by size.
  Var top_k(Var x, int64_t axis, int64_t count, bool largest);
  Var softmax(Var x, int64_t axis, bool logarithm = false);
  Var cum_sum(Var x, int64_t axis, bool exclusive = false, bool reverse = false);
  /// Sums over broadcast axes so that the result has `shape`: the adjoint of broadcasting `shape` to x's.
  /// Takes a copy: shape(v) refers into the growing program.
  Var sum_to_shape(Var x, Shape shape);

  // Pooling.
  struct Pooled {
    Var y, winner;
  };
  Pooled max_pool(Var x, const Window& window);
  Var max_pool_scatter(Var g, Var winner, const Window& window, Shape shape);
  Var max_pool_gather(Var x, Var winner, const Window& window);
  Var sum_pool(Var x, const Window& window);
  Var sum_pool_input(Var g, const Window& window, Shape shape);

  // Shape and movement. No-ops return x itself.
  Var reshape(Var x, Shape shape);
  Var transpose(Var x, std::vector<int64_t> permutation);
  Var broadcast(Var x, Shape shape);
  Var slice(Var x, std::vector<int64_t> starts, std::vector<int64_t> steps, Shape shape);
  /// x[begin:end] along one axis.
  Var slice_axis(Var x, int64_t axis, int64_t begin, int64_t end);
  Var place(Var x, std::vector<int64_t> starts, std::vector<int64_t> steps, Shape shape, double fill = 0);
  Var concat(std::span<const Var> xs, int64_t axis);
  // Indices that are known are checked here, others where they are read.
  Var gather(Var x, Var index, int64_t axis);
  Var gather_adjoint(Var g, Var index, int64_t axis, int64_t extent);
  Var ravel_index(Var index, Shape extents);
  Var gather_elements(Var x, Var index, int64_t axis);
  Var scatter_elements(ScatterElements::Kind kind, Var x, Var index, Var updates, int64_t axis);
  Var axis_map(Var x, int64_t axis, std::shared_ptr<const AxisTable> table);
  /// For each sample number of `sample` (any shape) draws of `shape`.
  Var noise(Noise::Kind kind, uint64_t seed, Var sample, Shape shape, DType dtype = DType::f32);

  /// Appends a step with given results; for passes and VJPs that know the shapes.
  Var emit(Primitive primitive, std::vector<Var> inputs, Shape shape, DType dtype);

 private:
  Var add_variable(Shape shape, DType dtype);
  /// Appends a step whose results are in place, after checking its contract (core/contract.h).
  void append(Primitive primitive, std::vector<Var> inputs, std::vector<Var> outputs);
  Var elementwise(Opcode op, std::span<const Var> operands, Expression::Domain domain, DType result);

  // u64, whose bits a program holds as int64 (core/builder_unsigned.cpp).
  /// The i64 that orders as the u64 does; any other type as it is.
  Var signed_order(Var x);
  Var from_signed_order(Var x);
  /// Unset for what int64 arithmetic does as well.
  Var unsigned_binary(Opcode op, Var a, Var b);
  Var unsigned_unary(Opcode op, Var x);
  Var unsigned_quotient(Var a, Var b);
  Var unsigned_to_real(Var x, DType to);
  Var real_to_unsigned(Var x);

  Program& program_;
  GrowthBudget* growth_ = nullptr;
  Block block_ = Block::once;
  int32_t node_ = -1;
  std::string label_;
};

}  // namespace onnxray
