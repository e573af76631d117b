#pragma once

#include <string>
#include <vector>

#include "core/difference.h"
#include "core/kernel.h"
#include "core/tensor.h"

namespace onnxray::test {

/// How the operands of a primitive under test lie in memory.
enum class Lay : uint8_t {
  row_major,
  channels_last,  ///< data operands of rank 3 and more; weights and biases stay row-major, as the planner has
                  ///< it
  scattered,      ///< inputs with gaps and all axes in reverse order, outputs dense with all axes in reverse
                  ///< order
};

struct RunOptions {
  int64_t real_size = 4;  ///< what the compiler holds reals as: 4 (float) or 8 (double)
  Lay lay = Lay::row_major;
  bool constants = false;  ///< weights, indices and biases (every input but the first) are known when the
                           ///< kernel is compiled
  const Expression* epilogue = nullptr;  ///< on the first result; without a kernel for both nothing is run
};

struct Result {
  Shape shape;
  DType dtype = DType::f32;
};

/// A primitive with operands to try it on.
struct PrimitiveCase {
  std::string name;
  Primitive primitive;
  std::vector<Tensor> inputs;
  std::vector<Result> results;
};

/// Compiles and runs one primitive. Results are row-major; reals come as f32 or f64 by `real_size`.
/// Elements that the kernel does not write come back as NaN, or as -1 and 255.
std::vector<Tensor> run_primitive(KernelCompiler& compiler, const PrimitiveCase& c,
                                  const RunOptions& options = {});

/// Runs one primitive with its inputs at the given strides, 0 included.
std::vector<Tensor> run_strided(KernelCompiler& compiler, const PrimitiveCase& c,
                                const std::vector<Strides>& in, const std::vector<Strides>& out,
                                const RunOptions& options = {});

/// max(x, 0), entry by entry.
Tensor rectified(const Tensor& x);

inline double distance(const Tensor& a, const Tensor& b) { return relative_difference(a, b); }

/// The inner product of two tensors of one shape, in double.
double dot(const Tensor& a, const Tensor& b);

}  // namespace onnxray::test
