#include "onnx/passes/pass.h"

#include <array>

namespace onnxray {

std::span<const Pass> all_passes() {
  // Normalisation goes before the pooling pass, which would take its means for global pooling. Activations go
  // before what merges constants into linear nodes: x / 6 + 1/2 may be the inside of a HardSigmoid.
  static constexpr std::array kPasses = {
      Pass{"remove_identities", remove_identities},
      Pass{"fuse_integer_products", fuse_integer_products},
      Pass{"fuse_quantisation", fuse_quantisation},
      Pass{"rectify_grids", rectify_grids},
      Pass{"sink_grids", sink_grids},
      Pass{"merge_reshapes", merge_reshapes},
      Pass{"merge_transposes", merge_transposes},
      Pass{"fuse_layer_norm", fuse_layer_norm},
      Pass{"fuse_rms_norm", fuse_rms_norm},
      Pass{"fuse_activations", fuse_activations},
      Pass{"fuse_softmax", fuse_softmax},
      Pass{"gemm_to_plain_weights", gemm_to_plain_weights},
      Pass{"moving_bias_to_add", moving_bias_to_add},
      Pass{"matmul_add_to_gemm", matmul_add_to_gemm},
      Pass{"matmul_add_to_bias", matmul_add_to_bias},
      Pass{"add_to_bias", add_to_bias},
      Pass{"reduce_mean_to_global_average_pool", reduce_mean_to_global_average_pool},
      Pass{"fuse_batchnorm", fuse_batchnorm},
      Pass{"fold_batchnorm", fold_batchnorm},
  };
  return kPasses;
}

}  // namespace onnxray
