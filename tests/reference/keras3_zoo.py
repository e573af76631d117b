#!/usr/bin/env python3
"""Compares onnxray with Keras 3 on models written by `model.export(path, format="onnx")`, its backend being torch.

Forward against ONNX Runtime, the gradient against torch autograd through the Keras model, LRP as in zoo.py. Needs PyPI's keras (3),
torch, onnxscript, onnxruntime, numpy, and a built onnxray:

    python3 tests/reference/keras3_zoo.py [--command build/release/onnxray] [--only REGEX] [--write docs/zoo.md]
"""
import argparse
import json
import os
import pathlib
import re
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "torch"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np

from zoo import LRP, Check, is_known
from zoo_page import number


def own_models(keras):
    layers = keras.layers

    def sequential(shape, *parts):
        return keras.Sequential([keras.Input(shape), *parts])

    def residual():
        x = keras.Input((16, 16, 3))
        h = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
        h = layers.add([h, layers.BatchNormalization()(layers.SeparableConv2D(8, 3, padding="same")(h))])
        h = layers.Concatenate()([layers.MaxPooling2D()(h), layers.AveragePooling2D(2)(h)])
        return keras.Model(x, layers.Dense(4)(layers.GlobalAveragePooling2D()(h)))

    def transformer():
        x = keras.Input((8, 16))
        h = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 4)(x, x))
        return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(h + layers.Dense(16, activation="gelu")(h))))

    yield "mlp", lambda: sequential((12,), layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dense(8, "selu"), layers.Dense(3))
    yield "cnn", lambda: sequential((16, 16, 3), layers.Conv2D(8, 3, strides=2, padding="same"), layers.LeakyReLU(), layers.DepthwiseConv2D(3),
                                    layers.BatchNormalization(), layers.ReLU(6.0), layers.Flatten(), layers.Dense(4))
    yield "residual, separable, concatenated", residual
    yield "1-d cnn", lambda: sequential((32, 4), layers.ZeroPadding1D(2), layers.Conv1D(8, 5, dilation_rate=2), layers.PReLU(),
                                        layers.MaxPooling1D(2), layers.GlobalMaxPooling1D(), layers.Dense(3))
    yield "autoencoder", lambda: sequential((16, 16, 1), layers.Conv2D(8, 3, 2, "same", activation="relu"), layers.UpSampling2D(interpolation="bilinear"),
                                            layers.Conv2DTranspose(4, 3, 2, "same", activation="elu"), layers.Conv2D(1, 3, 2, padding="same", activation="sigmoid"))
    yield "lstm", lambda: sequential((10, 6), layers.LSTM(8, return_sequences=True), layers.LSTM(8), layers.Dense(3))
    yield "gru, bidirectional", lambda: sequential((10, 6), layers.Bidirectional(layers.GRU(8)), layers.Dense(3))
    yield "transformer", transformer


def applications(keras):
    sizes = {"MobileNetV2": 64, "MobileNetV3Small": 64, "EfficientNetB0": 64, "DenseNet121": 64, "ResNet50V2": 64, "ConvNeXtTiny": 64}
    for name, size in sizes.items():
        yield name, lambda n=name, s=size: getattr(keras.applications, n)(
            weights=None, include_top=False, pooling="avg", input_shape=(s, s, 3))


class KerasCheck(Check):
    def export(self, inputs):
        for parameter in self.model.parameters():  # the exporter folds constants that must not ask for gradients
            parameter.requires_grad_(False)
        try:
            self.model.export(str(self.path), format="onnx", verbose=False)  # the batch is left open: TorchScript's exporter
        except Exception:
            import keras  # a fixed batch: the exporter by dynamo
            signature = [keras.InputSpec(shape=tuple(inputs[0].shape), dtype="float32")]
            self.model.export(str(self.path), format="onnx", verbose=False, input_signature=signature)
            self.result["note"] = "exported with a fixed batch; TorchScript's exporter refuses it"

    def gradient(self):
        self.result["gradient"] = self.gradient_error(self.inputs)


def prepare(model):
    """As zoo.py's: BatchNorm statistics that hide nothing."""
    random = np.random.default_rng(2)
    ranges = {"gamma": (0.8, 1.2), "beta": (-0.1, 0.1), "moving_mean": (-0.1, 0.1), "moving_variance": (0.8, 1.2)}
    for layer in model._flatten_layers():
        if type(layer).__name__ == "BatchNormalization":
            for weight in layer.weights:
                weight.assign(random.uniform(*ranges[weight.name], weight.shape))
    return model.eval()


def check_all(arguments):
    import keras
    import torch
    torch.set_num_threads(1)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    for name, build in [*own_models(keras), *applications(keras)]:
        file = arguments.cache / (re.sub(r"\W+", "_", name) + ".json")
        if file.exists() or not re.search(arguments.only, name):
            continue
        keras.utils.set_random_seed(0)
        model = prepare(build())
        x = torch.randn(1, *model.inputs[0].shape[1:], generator=torch.Generator().manual_seed(1))
        if name.startswith(("MobileNetV3", "Efficient", "ConvNeXt")):
            x = 127.5 + 60 * x  # these begin with a rescaling of [0, 255]
        model(x)  # Keras exports what has been called
        with tempfile.TemporaryDirectory() as folder:
            result = KerasCheck(model, (x,), "keras", arguments.command, pathlib.Path(folder), True).run()
        file.write_text(json.dumps({"model": name} | result))
        print(name, {k: v for k, v in result.items() if k != "lrp"}, flush=True)


def page(results):
    lines = ["| Keras 3 | forward | gradient | LRP finite | cause, note |", "|---|---|---|---|---|"]
    for r in results:
        lrp = r.get("lrp", {})
        note = "; ".join(f"{m} fails: {e[:80]}" for m, e in r.get("lrp_failed", {}).items())
        note = note or r.get("note", "")
        if "error" in r:
            note = f"{r['failed_at']}: " + " ".join(r["error"].split())[:160]
        finite = f"{sum(v != 'not finite' for v in lrp.values())}/{len(lrp) + len(r.get('lrp_failed', {}))}" if lrp else ""
        lines.append(f"| {r['model']} | {number(r.get('forward'))} | {number(r.get('gradient'))} | {finite} | {note.replace('|', '/')} |")
    return "\n".join(lines)


def write_page(path, results):
    begin, end = "<!-- keras 3: begin -->", "<!-- keras 3: end -->"
    head, rest = path.read_text().split(begin, 1)
    path.write_text(f"{head}{begin}\n{page(results)}\n{end}{rest.split(end, 1)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--only", default="")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "onnxray_keras3_zoo")
    parser.add_argument("--write", type=pathlib.Path, help="make this page's table from the cache")
    arguments = parser.parse_args()
    if arguments.write:
        return write_page(arguments.write, [json.loads(f.read_text()) for f in sorted(arguments.cache.glob("*.json"))])
    LRP[:] = [m for m in LRP if is_known(arguments.command, m)]
    check_all(arguments)


if __name__ == "__main__":
    sys.exit(main())
