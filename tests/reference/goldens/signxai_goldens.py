#!/usr/bin/env python3
"""Computes relevance with SIGN-XAI 1.x itself over small Keras nets. Needs PyPI's signxai==1.1.9.2, tensorflow-cpu
(2.8 to 2.12), and the models that keras_nets.py writes:

    python3 tests/reference/goldens/signxai_goldens.py

Left out: zblrp_* (its box rule is 0 everywhere), grad_cam* (eight bits), what draws unseeded noise. On keras_residual its
SIGN rules fail, and guided backprop and deconvnet clip each branch by itself. Its gradients run in float32 alone, and
stand for their double ones.
"""
import os

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its kernels are float32 only

import numpy as np
import signxai.methods.wrappers as wrappers
import tensorflow as tf

import keras_nets
from store import Store

VERSION = "SIGN-XAI 1.1.9.2"
CLASS = 1

NAMES = ["gradient", "input_t_gradient", "gradient_x_sign", "gradient_x_sign_mu_0_5", "gradient_x_sign_mu_neg_0_5",
         "guided_backprop", "guided_backprop_x_sign", "deconvnet", "integrated_gradients", "lrp_z", "lrp_epsilon_0_1",
         "lrp_epsilon_10", "lrp_epsilon_0_25_std_x", "lrp_alpha_1_beta_0", "lrp_sequential_composite_a",
         "lrp_sequential_composite_b", "lrpsign_z", "lrpsign_epsilon_0_1", "lrpsign_epsilon_0_25_std_x",
         "lrpsign_epsilon_0_25_std_x_mu_0_5", "lrpsign_epsilon_100_mu_neg_0_5", "lrpsign_alpha_1_beta_0",
         "lrpsign_sequential_composite_a", "lrpz_epsilon_0_1", "lrpz_epsilon_0_25_std_x", "lrpz_alpha_1_beta_0",
         "lrpz_sequential_composite_b", "w2lrp_z", "w2lrp_epsilon_0_1", "w2lrp_alpha_1_beta_0",
         "w2lrp_sequential_composite_a", "flatlrp_z", "flatlrp_epsilon_1", "flatlrp_epsilon_0_1_std_x",
         "flatlrp_alpha_1_beta_0", "flatlrp_sequential_composite_b"]


BY_BRANCH = ("guided_backprop", "deconvnet")
FLOAT32_ONLY = ("gradient", "input_t_gradient", "integrated_gradients")


def compute(name, method, dtype):
    tf.keras.backend.clear_session()
    tf.keras.backend.set_floatx(dtype)
    model = keras_nets.build(name)
    x = keras_nets.example(model, name).astype(dtype)
    # One sample at a time: epsilon_std_x and normalisations mix the samples of a batch.
    maps = [np.asarray(getattr(wrappers, method)(model, sample, neuron_selection=CLASS)) for sample in x]
    return np.stack([m.reshape(x.shape[1:]) for m in maps]), x


def main():
    store = Store("signxai", f"{VERSION} on TensorFlow {tf.__version__}; made by "
                  "tests/reference/goldens/signxai_goldens.py")
    for name in ("keras_plain", "keras_series", "keras_dense", "keras_residual"):
        for method in NAMES:
            if name == "keras_residual" and method.startswith(BY_BRANCH):
                continue
            try:
                narrow, x = compute(name, method, "float32")
                wide = narrow if method.startswith(FLOAT32_ONLY) else compute(name, method, "float64")[0]
            except Exception as error:
                print(f"{name}, {method}: {type(error).__name__} {str(error)[:150]}")
                continue
            store.array(f"{name}:x", x)
            # alpha 2, beta 1 has the whole bias in both halves there
            asked = method + (":alphabeta_bias=both" if method.endswith("composite_b") else "")
            store.add(name, f"{VERSION}, {method}", asked, wide, narrow, convention="signxai", target=[CLASS, CLASS])
    store.write()


if __name__ == "__main__":
    main()
