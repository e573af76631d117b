#include "ops/families.h"

namespace onnxray {

const OpRegistry& OpRegistry::builtin() {
  static const OpRegistry registry = [] {
    OpRegistry all;
    for (const auto family : {convolution_ops,
                              gemm_ops,
                              pool_ops,
                              normalization_ops,
                              activation_ops,
                              arithmetic_ops,
                              logic_ops,
                              cast_ops,
                              softmax_ops,
                              reduce_ops,
                              shape_ops,
                              slice_ops,
                              gather_ops,
                              pad_ops,
                              resize_ops,
                              constant_ops,
                              einsum_ops,
                              attention_ops,
                              rotary_embedding_ops,
                              recurrent_ops,
                              control_flow_ops,
                              loss_ops,
                              quantisation_ops,
                              quantisation_grid_ops,
                              microsoft_ops,
                              microsoft_quantised_ops,
                              sampling_ops,
                              fold_ops,
                              signal_ops,
                              selection_ops,
                              deform_conv_ops,
                              ml_linear_ops,
                              ml_trees_ops}) {
      for (OpDef& op : family()) all.add(std::move(op));
    }
    return all;
  }();
  return registry;
}

}  // namespace onnxray
