#pragma once

#include "backends/cudnn/kernels/window_taps.h"
#include "backends/cudnn/step.h"

namespace onnxray::cudnn {

// One per primitive. Null where no kernel takes these operands; std::length_error for too many axes.
std::unique_ptr<DeviceStep> compile_interpreted(const Elementwise& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_direct(const Convolution& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_direct(const ConvolutionInput& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_direct(const SplitConvolution& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_direct(const SplitConvolutionInput& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_direct(const ConvolutionWeight& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_direct(const MatMul& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const FormProducts& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const MaxPool& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const MaxPoolScatter& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const MaxPoolGather& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const SumPool& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const SumPoolInput& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Reduce& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const ArgReduce& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const TopK& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Softmax& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const CumSum& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Reshape& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Transpose& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Broadcast& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Slice& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Place& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Concat& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Gather& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const GatherAdjoint& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const RavelIndex& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const GatherElements& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const ScatterElements& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const AxisMap& p, const Operands& o);
std::unique_ptr<DeviceStep> compile(const Noise& p, const Operands& o);

/// Enqueues a copy of real elements from strides `src` to strides `dst` under `shape`.
void copy_strided(Stream stream, const Shape& shape, const float* from, const Strides& src, float* to,
                  const Strides& dst);
/// Enqueues y += x under `shape`, each at its own strides.
void add_strided(Stream stream, const Shape& shape, float* y, const Strides& y_strides, const float* x,
                 const Strides& x_strides);
/// Enqueues roundings of `count` floats to bfloat16 (to nearest, ties to even), and back.
void to_bf16(Stream stream, const float* from, std::byte* to, int64_t count);
void from_bf16(Stream stream, const std::byte* from, float* to, int64_t count);
/// Enqueues `count` zeros.
void clear(Stream stream, float* y, int64_t count);
/// Enqueues u[n, c, tap, o] = x[n, c, o * stride + tap * dilation - pad] for `images` of `channels`: a
/// convolution is then the product of its weight with each u[n]. Both are dense.
void unfold(Stream stream, const WindowTaps& taps, int64_t images, int64_t channels, const float* x,
            float* u);
/// Enqueues ++*counter.
void increment(Stream stream, int64_t* counter);

}  // namespace onnxray::cudnn
