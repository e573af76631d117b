#include "onnx/passes/pass.h"

#include <array>

namespace onnxray {

std::span<const Pass> all_passes() {
  // Normalisation goes before the pooling pass, which would take its means for global pooling.
  static constexpr std::array kPasses = {
      Pass{"remove_identities", remove_identities},
      Pass{"fuse_quantisation", fuse_quantisation},
      Pass{"merge_reshapes", merge_reshapes},
      Pass{"merge_transposes", merge_transposes},
      Pass{"fuse_layer_norm", fuse_layer_norm},
      Pass{"fuse_rms_norm", fuse_rms_norm},
      Pass{"fuse_gelu", fuse_gelu},
      Pass{"fuse_hard_swish", fuse_hard_swish},
      Pass{"fuse_silu", fuse_silu},
      Pass{"fuse_mish", fuse_mish},
      Pass{"gemm_to_plain_weights", gemm_to_plain_weights},
      Pass{"moving_bias_to_add", moving_bias_to_add},
      Pass{"matmul_add_to_gemm", matmul_add_to_gemm},
      Pass{"matmul_add_to_bias", matmul_add_to_bias},
      Pass{"add_to_bias", add_to_bias},
      Pass{"reduce_mean_to_global_average_pool", reduce_mean_to_global_average_pool},
      Pass{"fold_batchnorm", fold_batchnorm},
  };
  return kPasses;
}

}  // namespace onnxray
