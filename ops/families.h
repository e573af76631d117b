#pragma once

#include <vector>

#include "ops/op.h"

namespace onnxray {

// One function per file of ops/, in the order of ops/registry.cpp.
std::vector<OpDef> convolution_ops();
std::vector<OpDef> gemm_ops();
std::vector<OpDef> pool_ops();
std::vector<OpDef> normalization_ops();
std::vector<OpDef> activation_ops();
std::vector<OpDef> arithmetic_ops();
std::vector<OpDef> logic_ops();
std::vector<OpDef> cast_ops();
std::vector<OpDef> softmax_ops();
std::vector<OpDef> reduce_ops();
std::vector<OpDef> shape_ops();
std::vector<OpDef> slice_ops();
std::vector<OpDef> gather_ops();
std::vector<OpDef> pad_ops();
std::vector<OpDef> resize_ops();
std::vector<OpDef> constant_ops();
std::vector<OpDef> einsum_ops();
std::vector<OpDef> attention_ops();
std::vector<OpDef> rotary_embedding_ops();
std::vector<OpDef> recurrent_ops();
std::vector<OpDef> control_flow_ops();
std::vector<OpDef> loss_ops();
std::vector<OpDef> quantisation_ops();
std::vector<OpDef> quantisation_grid_ops();
std::vector<OpDef> microsoft_ops();
std::vector<OpDef> microsoft_quantised_ops();
std::vector<OpDef> sampling_ops();
std::vector<OpDef> fold_ops();
std::vector<OpDef> signal_ops();
std::vector<OpDef> selection_ops();
std::vector<OpDef> deform_conv_ops();
std::vector<OpDef> ml_linear_ops();
std::vector<OpDef> ml_trees_ops();

}  // namespace onnxray
