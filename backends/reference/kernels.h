#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/kernel.h"

namespace onnxray::reference {

using Sources = std::span<const std::byte* const>;
using Targets = std::span<std::byte* const>;

/// A Kernel from a function of (Sources, Targets).
template <class F>
class FunctionKernel final : public Kernel {
 public:
  explicit FunctionKernel(F f) : f_(std::move(f)) {}
  void run(Sources in, Targets out) override { f_(in, out); }

 private:
  F f_;
};

template <class F>
std::unique_ptr<Kernel> make_kernel(F f) {
  return std::make_unique<FunctionKernel<F>>(std::move(f));
}

struct Operands {
  std::vector<Operand> in, out;
};

// One overload per primitive, defined in its family's file for T = float and double, the type of reals.
template <class T>
std::unique_ptr<Kernel> compile(const Elementwise& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Convolution& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const ConvolutionInput& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const SplitConvolution& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const SplitConvolutionInput& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const ConvolutionWeight& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const MatMul& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const FormProducts& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Reduce& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const ArgReduce& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const TopK& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Softmax& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const CumSum& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const MaxPool& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const MaxPoolScatter& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const MaxPoolGather& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const SumPool& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const SumPoolInput& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Reshape& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Transpose& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Broadcast& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Slice& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Place& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Concat& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Gather& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const GatherAdjoint& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const RavelIndex& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const GatherElements& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const ScatterElements& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const AxisMap& p, const Operands& o);
template <class T>
std::unique_ptr<Kernel> compile(const Noise& p, const Operands& o);

}  // namespace onnxray::reference
