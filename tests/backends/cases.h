#pragma once

#include <functional>

#include "core/builder.h"
#include "tests/backends/run_primitive.h"

namespace onnxray::test {

/// Seeded numbers in [-1, 1) that float holds exactly, so that every precision sees the same inputs.
Tensor random_tensor(Shape shape, uint64_t seed, double scale = 1.0);

/// Integers in [low, high), seeded.
Tensor random_integers(Shape shape, uint64_t seed, int64_t low, int64_t high, DType dtype = DType::i64);

/// The one step that `emit` builds over the inputs, with the shapes and types that the Builder infers.
PrimitiveCase make_case(std::string name, std::vector<Tensor> inputs,
                        const std::function<void(Builder&, const std::vector<Var>&)>& emit);

/// A sliding window with the tensors it meets.
struct WindowCase {
  std::string name;
  Shape x;  ///< [N, C, spatial...]
  Window window;
  int64_t channels = 1, groups = 1;  ///< M and groups, where it is a convolution's
};

/// Of its convolution: [N, M, spatial...] and [M, C/groups, kernel...].
Shape result_shape(const WindowCase& w);
Shape weight_shape(const WindowCase& w);

/// 1-D to 3-D; groups, depthwise, dilation, strides, asymmetric pads, windows that overlap padding.
std::vector<WindowCase> convolution_windows();
std::vector<WindowCase> pool_windows();

/// Every primitive in every shape class, in float and integers.
std::vector<PrimitiveCase> primitive_cases();

}  // namespace onnxray::test
