#pragma once

#include "core/program.h"

namespace onnxray {

/// Throws Error(bad_file) unless the operands and results of the step have the shapes and types that its
/// primitive takes (core/primitive.h): what every backend relies on.
void check_contract(const Program& program, const Step& step);

/// The operands and results of a step under check.
class Operands {
 public:
  Operands(const Program& program, const Step& step) : program_(program), step_(step) {}

  size_t inputs() const { return step_.inputs.size(); }
  size_t outputs() const { return step_.outputs.size(); }
  const Shape& in(size_t i) const { return program_[step_.inputs[i]].shape; }
  const Shape& out(size_t i = 0) const { return program_[step_.outputs[i]].shape; }
  DType in_type(size_t i) const { return program_[step_.inputs[i]].dtype; }
  DType out_type(size_t i = 0) const { return program_[step_.outputs[i]].dtype; }

  /// Throws with all shapes unless `holds`.
  void expect(bool holds, std::string_view what) const {
    if (!holds) refuse(what);
  }
  /// Throws unless there are that many operands and results, which exist.
  void expect_counts(size_t fewest, size_t most, size_t results) const;
  /// Throws unless `axis` is one of `shape`'s; returns it as an index.
  size_t expect_axis(int64_t axis, const Shape& shape) const;
  /// Throws unless `permutation`-like lists have one entry for each axis of `shape`.
  void expect_rank(size_t entries, const Shape& shape) const;
  [[noreturn]] void refuse(std::string_view what) const;

 private:
  const Program& program_;
  const Step& step_;
};

namespace contract {

// core/contract_products.cpp
void check(const Elementwise& p, const Operands& o);
void check(const Convolution& p, const Operands& o);
void check(const ConvolutionInput& p, const Operands& o);
void check(const SplitConvolution& p, const Operands& o);
void check(const SplitConvolutionInput& p, const Operands& o);
void check(const ConvolutionWeight& p, const Operands& o);
void check(const MatMul& p, const Operands& o);
void check(const FormProducts& p, const Operands& o);
void check(const Reduce& p, const Operands& o);
void check(const ArgReduce& p, const Operands& o);
void check(const TopK& p, const Operands& o);
void check(const Softmax& p, const Operands& o);
void check(const CumSum& p, const Operands& o);
void check(const MaxPool& p, const Operands& o);
void check(const MaxPoolScatter& p, const Operands& o);
void check(const MaxPoolGather& p, const Operands& o);
void check(const SumPool& p, const Operands& o);
void check(const SumPoolInput& p, const Operands& o);

// core/contract_movement.cpp
void check(const Reshape& p, const Operands& o);
void check(const Transpose& p, const Operands& o);
void check(const Broadcast& p, const Operands& o);
void check(const Slice& p, const Operands& o);
void check(const Place& p, const Operands& o);
void check(const Concat& p, const Operands& o);
void check(const Gather& p, const Operands& o);
void check(const GatherAdjoint& p, const Operands& o);
void check(const RavelIndex& p, const Operands& o);
void check(const GatherElements& p, const Operands& o);
void check(const ScatterElements& p, const Operands& o);
void check(const AxisMap& p, const Operands& o);
void check(const Noise& p, const Operands& o);

}  // namespace contract

}  // namespace onnxray
