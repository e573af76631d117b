#!/usr/bin/env python3
"""Computes attributions with iNNvestigate over small Keras nets. Needs PyPI's innvestigate, tensorflow-cpu (2.6 to
2.14), tf2onnx:

    python3 tests/reference/goldens/keras_nets.py && python3 tests/reference/goldens/innvestigate_goldens.py
"""
import numpy as np
import tensorflow as tf

tf.compat.v1.disable_eager_execution()

import innvestigate
from innvestigate.analyzer.relevance_based import relevance_rule as rules

import keras_nets
from store import Store

VERSION = "iNNvestigate 2.1.2"
CLASS = 1

# (analyzer, its arguments, method of onnxray). Its integrated gradients fail for a batch whose class is chosen by index.
ANALYZERS = [
    ("gradient", {}, "gradient"),
    ("input_t_gradient", {}, "input_t_gradient"),
    ("guided_backprop", {}, "guided_backprop"),
    ("deconvnet", {}, "deconvnet"),
    ("lrp.z", {}, "lrp_z"),
    ("lrp.epsilon", {}, "lrp:rule=epsilon,epsilon=1e-7"),
    ("lrp.epsilon", {"epsilon": 0.1}, "lrp_epsilon_0_1"),
    ("lrp.w_square", {}, "lrp_w_square"),
    ("lrp.flat", {}, "lrp_flat"),
    ("lrp.alpha_1_beta_0", {}, "lrp_alpha_1_beta_0"),
    ("lrp.alpha_2_beta_1", {}, "lrp_alpha_2_beta_1"),
    ("lrp.alpha_beta", {"alpha": 3, "beta": 2}, "lrp_alpha_3_beta_2"),
    ("lrp.alpha_1_beta_0_IB", {}, "lrp_alpha_1_beta_0:alphabeta_bias=ignore"),
    ("lrp.alpha_2_beta_1_IB", {}, "lrp_alpha_2_beta_1:alphabeta_bias=ignore"),
    ("lrp.z_plus", {}, "lrp_z_plus"),
    ("lrp.z_plus_fast", {}, "lrp_z_plus_fast"),
    ("lrp.sequential_preset_a", {}, "lrp:composite=sequential_preset_a"),
    ("lrp.sequential_preset_b", {}, "lrp:composite=sequential_preset_b"),
    ("lrp.sequential_preset_a_flat", {}, "lrp:composite=sequential_preset_a_flat"),
    ("lrp.sequential_preset_b_flat", {}, "lrp:composite=sequential_preset_b_flat"),
    # It counts all layers, the input's too: its layer 1 is our linear node 0.
    ("lrp.sequential_preset_b_flat_until_idx", {"until_layer_idx": 1},
     "lrp:composite=sequential_preset_b_flat_until_idx,until_layer_idx=0"),
    ("lrp", {"rule": rules.AlphaBetaX1000Rule}, "lrp:rule=AlphaBetaX1000"),
    ("lrp", {"rule": rules.AlphaBetaX2m100Rule}, "lrp:rule=AlphaBetaX2m100"),
    ("lrp.alpha_1_beta_0", {"input_layer_rule": (-2.0, 2.0)}, "lrp_alpha_1_beta_0:input_layer_rule=-2;2"),
    ("lrp.epsilon", {"epsilon": 0.1, "input_layer_rule": "WSquare"}, "w2lrp_epsilon_0_1"),
    ("lrp.epsilon", {"epsilon": 0.1, "input_layer_rule": "Flat"}, "flatlrp_epsilon_0_1"),
    ("deep_taylor", {}, "deep_taylor"),
    ("deep_taylor.bounded", {"low": -2.0, "high": 2.0}, "deep_taylor_bounded:low=-2,high=2"),
]


def analyze(name, analyzer, arguments, dtype):
    tf.keras.backend.clear_session()
    tf.keras.backend.set_floatx(dtype)
    model = keras_nets.build(name)
    x = keras_nets.example(model, name).astype(dtype)
    # Of the negative outputs Deep Taylor shows nothing: it explains the largest there.
    target = int(np.argmax(model.predict(x).sum(0))) if analyzer.startswith("deep_taylor") else CLASS
    a = innvestigate.create_analyzer(analyzer, model, neuron_selection_mode="index", **arguments)
    return np.asarray(a.analyze(x, neuron_selection=target)), x, target


def main():
    store = Store("innvestigate", f"{VERSION} on TensorFlow {tf.__version__}; made by "
                  "tests/reference/goldens/innvestigate_goldens.py")
    for name in keras_nets.NETS:
        for analyzer, arguments, method in ANALYZERS:
            try:
                wide, x, target = analyze(name, analyzer, arguments, "float64")
                narrow, _, _ = analyze(name, analyzer, arguments, "float32")
            except Exception as error:  # a rule that iNNvestigate has not for a layer
                print(f"{name}, {analyzer}: {type(error).__name__} {str(error)[:200]}")
                continue
            store.array(f"{name}:x", x)
            text = ", ".join(f"{k}={getattr(v, '__name__', v)}" for k, v in arguments.items())
            store.add(name, f"{VERSION}, {analyzer}" + (f"({text})" if text else ""), method, wide, narrow,
                      convention="innvestigate", target=[target, target])
    store.write()


if __name__ == "__main__":
    main()
