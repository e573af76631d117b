#!/bin/sh
# Draws docs/images/methods_garment.png and methods_beat.png: one panel per method. Run from the repository's root after
# ./dev build.
set -eu
onnxray=${1:-build/release/onnxray}
samples=models/samples

common="gradient input_t_gradient gradient_x_sign guided_backprop deconvnet integrated_gradients smoothgrad
smoothgrad_squared vargrad grad_cam guided_grad_cam lrp_z lrp_epsilon_0_1 lrp_epsilon_0_25_std_x lrp_alpha_1_beta_0
lrp_alpha_2_beta_1 lrp_gamma lrp_z_plus lrp_w_square lrp_flat lrp_sequential_composite_a lrp_sequential_composite_b
lrpsign_z lrpsign_epsilon_0_1 lrpsign_alpha_1_beta_0 lrpsign_sequential_composite_a lrpz_alpha_1_beta_0
w2lrp_alpha_1_beta_0 flatlrp_alpha_1_beta_0 lrp:composite=epsilon_plus_flat lrp:composite=excitation_backprop
deep_taylor deep_taylor:deep_taylor=zplus"

methods() {
  for name in "$@"; do printf ' -m %s' "$name"; done
}

# shellcheck disable=SC2046,SC2086
"$onnxray" explain models/fashion_mnist_torch.onnx -i $samples/fashion_ankle_boot.png \
  $(methods $common zblrp_alpha_1_beta_0 lrp:composite=epsilon_gamma_box occlusion random_uniform) \
  --picture docs/images/methods_garment.png
# shellcheck disable=SC2046,SC2086
"$onnxray" explain models/ecg.onnx -i $samples/ecg_ventricular.csv \
  $(methods $common zblrp_alpha_1_beta_0:low=-2,high=2 occlusion:window=16,stride=8 random_uniform) \
  --picture docs/images/methods_beat.png
