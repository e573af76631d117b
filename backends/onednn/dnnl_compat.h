#pragma once

#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>

/// The differences between oneDNN 2.6 and 3.x. No other file asks for the version.
namespace onnxray::onednn {

/// Whether primitives run on the threads that OpenMP gives their caller, or on the caller alone.
inline constexpr bool kRunsInOpenMp =
    DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP || DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_SEQ;

struct ConvolutionGeometry {
  dnnl::memory::dims strides, dilates, pads_begin, pads_end;  ///< a dilate of 0 is a dense kernel
};

inline dnnl::convolution_forward::primitive_desc convolution_forward(
    const dnnl::engine& engine, const dnnl::memory::desc& src, const dnnl::memory::desc& weights,
    const dnnl::memory::desc* bias, const dnnl::memory::desc& dst, const ConvolutionGeometry& g,
    const dnnl::primitive_attr& attributes = {}) {
  using P = dnnl::convolution_forward;
  constexpr auto kKind = dnnl::prop_kind::forward_inference;
  constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR < 3
  const auto desc =
      bias ? P::desc(kKind, kAlgorithm, src, weights, *bias, dst, g.strides, g.dilates, g.pads_begin,
                     g.pads_end)
           : P::desc(kKind, kAlgorithm, src, weights, dst, g.strides, g.dilates, g.pads_begin, g.pads_end);
  return {desc, attributes, engine};
#else
  if (!bias)
    return {engine,    kKind,     kAlgorithm,   src,        weights,   dst,
            g.strides, g.dilates, g.pads_begin, g.pads_end, attributes};
  return {engine, kKind,     kAlgorithm, src,          weights,    *bias,
          dst,    g.strides, g.dilates,  g.pads_begin, g.pads_end, attributes};
#endif
}

/// What a primitive does to its result: adds it to what lies in its place, then cuts it off below 0 and
/// above `cap`, where that is finite.
struct Ending {
  bool adds = false;
  std::optional<float> cap;  ///< unset: nothing is cut off
};

inline dnnl::primitive_attr attributes_of(const Ending& ending) {
  dnnl::post_ops ops;
  if (ending.adds) ops.append_sum(1.0f);
  if (ending.cap) {
    const bool capped = *ending.cap < std::numeric_limits<float>::infinity();
    const auto algorithm = capped ? dnnl::algorithm::eltwise_clip : dnnl::algorithm::eltwise_relu;
#if DNNL_VERSION_MAJOR < 3
    ops.append_eltwise(1.0f, algorithm, 0.0f, capped ? *ending.cap : 0.0f);
#else
    ops.append_eltwise(algorithm, 0.0f, capped ? *ending.cap : 0.0f);
#endif
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  return attributes;
}

inline dnnl::convolution_backward_data::primitive_desc convolution_backward_data(
    const dnnl::engine& engine, const dnnl::memory::desc& diff_src, const dnnl::memory::desc& weights,
    const dnnl::memory::desc& diff_dst, const ConvolutionGeometry& g) {
  using P = dnnl::convolution_backward_data;
  constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
  const auto hint = convolution_forward(engine, diff_src, weights, nullptr, diff_dst, g);
#if DNNL_VERSION_MAJOR < 3
  return {P::desc(kAlgorithm, diff_src, weights, diff_dst, g.strides, g.dilates, g.pads_begin, g.pads_end),
          engine, hint};
#else
  return {engine,    kAlgorithm, diff_src,     weights,    diff_dst,
          g.strides, g.dilates,  g.pads_begin, g.pads_end, hint};
#endif
}

inline dnnl::convolution_backward_weights::primitive_desc convolution_backward_weights(
    const dnnl::engine& engine, const dnnl::memory::desc& src, const dnnl::memory::desc& diff_weights,
    const dnnl::memory::desc& diff_dst, const ConvolutionGeometry& g) {
  using P = dnnl::convolution_backward_weights;
  constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
  const auto hint = convolution_forward(engine, src, diff_weights, nullptr, diff_dst, g);
#if DNNL_VERSION_MAJOR < 3
  return {P::desc(kAlgorithm, src, diff_weights, diff_dst, g.strides, g.dilates, g.pads_begin, g.pads_end),
          engine, hint};
#else
  return {engine,    kAlgorithm, src,          diff_weights, diff_dst,
          g.strides, g.dilates,  g.pads_begin, g.pads_end,   hint};
#endif
}

inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const dnnl::memory::desc& a,
                                           const dnnl::memory::desc& b, const dnnl::memory::desc* bias,
                                           const dnnl::memory::desc& y) {
  using P = dnnl::matmul;
#if DNNL_VERSION_MAJOR < 3
  return {bias ? P::desc(a, b, *bias, y) : P::desc(a, b, y), engine};
#else
  if (!bias) return {engine, a, b, y};
  return {engine, a, b, *bias, y};
#endif
}

/// "2.6.3"
inline std::string dnnl_version() {
  const dnnl::version_t* v = dnnl::version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

/// The instruction set that oneDNN generates code for.
inline std::string dnnl_isa() {
  const int isa = static_cast<int>(dnnl::get_effective_cpu_isa());
  const auto covers = [isa](dnnl::cpu_isa wanted) {
    return (isa & static_cast<int>(wanted)) == static_cast<int>(wanted);
  };
  if (covers(dnnl::cpu_isa::avx512_core)) return "avx512";
  if (covers(dnnl::cpu_isa::avx2)) return "avx2";
  if (covers(dnnl::cpu_isa::avx)) return "avx";
  return "sse4.1";
}

}  // namespace onnxray::onednn
