#pragma once

/// Compiles a function once per instruction set; the loader picks one. Loops that shall be vectorised say
/// `omp simd`.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ONNXRAY_EACH_ISA __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ONNXRAY_EACH_ISA
#endif

namespace onnxray::onednn {
/// Whether such functions run with 32 vector registers of 16 floats.
inline bool has_wide_registers() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  static const bool wide = __builtin_cpu_supports("avx512f");
  return wide;
#else
  return false;
#endif
}
}  // namespace onnxray::onednn

/// For what such a function calls: only inlined code is compiled for its instruction set.
#define ONNXRAY_INLINE [[gnu::always_inline]] inline
