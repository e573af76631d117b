#!/usr/bin/env python3
"""Compares onnxray with TensorFlow (forward and input gradient) on keras.applications, exported by tf2onnx.

Seeded random weights at small resolution. Needs PyPI's tensorflow (2.15), tf2onnx, numpy, and a built onnxray:

    python3 tests/reference/keras_zoo.py [--command build/release/onnxray] [--only REGEX] [--cache FOLDER] [--write docs/zoo.md]

What was done is kept in the cache folder. Errors are relative to the largest entry of TensorFlow's result; where the gradient
differs by more than 1e-3 in float32 the model is rebuilt in double, exported again, and both sides compute in double.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np

from zoo import LRP, is_known, relevance

FORWARD_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3
SIZES = {
    "MobileNet": 64, "MobileNetV2": 64, "MobileNetV3Small": 64, "MobileNetV3Large": 64, "NASNetMobile": 64, "DenseNet121": 64,
    "EfficientNetB0": 64, "EfficientNetV2B0": 64, "ResNet50": 64, "ResNet50V2": 64, "ResNetRS50": 64, "RegNetX002": 64,
    "RegNetY002": 64, "VGG16": 32, "VGG19": 32, "Xception": 72, "InceptionV3": 80, "ConvNeXtTiny": 64, "InceptionResNetV2": 80,
}


def build(name, size, dtype="float32"):
    import tensorflow as tf
    tf.keras.backend.clear_session()
    tf.keras.backend.set_floatx(dtype)
    tf.keras.utils.set_random_seed(0)
    options = {"include_top": False, "pooling": "avg"} if name.startswith("VGG") else {"classifier_activation": None}
    if "NASNet" in name:
        options.pop("classifier_activation")
        model = tf.keras.applications.NASNetMobile(weights=None, input_shape=(size, size, 3), include_top=False, pooling="avg")
    else:
        model = getattr(tf.keras.applications, name)(weights=None, input_shape=(size, size, 3), **options)
    random = np.random.default_rng(2)
    for layer in model.layers:  # fresh BatchNorm statistics would hide errors in folding
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            values = {"gamma": (0.8, 1.2), "beta": (-0.1, 0.1), "moving_mean": (-0.1, 0.1), "moving_variance": (0.8, 1.2)}
            layer.set_weights([random.uniform(*values[re.sub(r":\d+$", "", w.name).split("/")[-1]], w.shape) for w in layer.weights])
    return model


def export(model, path):
    import tensorflow as tf
    import tf2onnx
    from keras.src.layers.convolutional.base_conv import Conv
    signature = (tf.TensorSpec((1, *model.input_shape[1:]), model.input.dtype, name="x"),)
    compiled = Conv._jit_compiled_convolution_op
    Conv._jit_compiled_convolution_op = Conv.convolution_op  # Keras compiles grouped convolutions; tf2onnx cannot look inside
    try:
        tf2onnx.convert.from_keras(model, input_signature=signature, opset=15, output_path=str(path))
    finally:
        Conv._jit_compiled_convolution_op = compiled


def onnxray(command, *arguments):
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-500:])


def relative_error(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max()) if a.shape == b.shape else float("inf")


def tensorflow_gradient(model, x, target=None):
    import tensorflow as tf
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x, training=False)
        target = int(np.argmax(y[0])) if target is None else target
        score = y[0, target]
    return y.numpy(), tape.gradient(score, x).numpy(), target


def check(name, size, command, folder):
    path, x_file, y_file, g_file = (folder / f for f in ("model.onnx", "x.npy", "y.npy", "g.npz"))
    common = ["--threads", 1]
    x = np.random.default_rng(1).normal(0, 1, (1, size, size, 3)).astype(np.float32)
    if name.startswith(("MobileNetV3", "Efficient", "RegNet", "ResNetRS", "ConvNeXt")):
        x = 127.5 + 60 * x  # these begin with a rescaling of [0, 255]
    model = build(name, size)
    expected, gradient, target = tensorflow_gradient(model, x)
    export(model, path)
    np.save(x_file, x)
    onnxray(command, "run", path, "-i", x_file, "-o", y_file, *common)
    result = {"forward": relative_error(np.load(y_file), expected)}
    explain = lambda *options: onnxray(command, "explain", path, "-i", x_file, "--target", target, "-o", g_file, *common, *options)
    explain("-m", "gradient", "--keep-softmax")
    result["gradient"] = relative_error(np.load(g_file)["gradient"], gradient)

    def maps(methods, *options):
        explain(*(f for m in methods for f in ("-m", m)), *options)
        arrays = np.load(g_file)
        return {m: [arrays[m]] for m in methods}

    result |= relevance(maps, float(expected[0, target]))
    if result["gradient"] > GRADIENT_TOLERANCE:
        result["gradient32"] = result["gradient"]
        weights = model.get_weights()
        double = build(name, size, "float64")
        double.set_weights([w.astype(np.float64) for w in weights])
        _, gradient, _ = tensorflow_gradient(double, x.astype(np.float64), target)
        export(double, path)
        np.save(x_file, x.astype(np.float64))
        explain("-m", "gradient", "--keep-softmax", "--precision", "double")
        result["gradient"] = relative_error(np.load(g_file)["gradient"], gradient)
    return result


def one(name, command, file):
    start = time.time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = check(name, SIZES[name], command, pathlib.Path(folder))
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"[:600]}
    file.write_text(json.dumps({"model": name, "seconds": round(time.time() - start, 1)} | result))


def page(results):
    number = lambda v: v if isinstance(v, str) else "" if v is None else f"{v:.1e}"
    lines = ["| keras.applications | forward | gradient | LRP finite | conservation, lrp_z | epsilon_plus_flat | cause, note |",
             "|---|---|---|---|---|---|---|"]
    for r in results:
        lrp = r.get("lrp", {})
        note = " ".join(r.get("error", "").split())[:160].replace("|", "/")
        failed = [f"{m} fails: " + " ".join(e.split())[:80].replace("|", "/") for m, e in r.get("lrp_failed", {}).items()]
        note = "; ".join(failed + ([note] if note else []))
        if "gradient32" in r:
            note = f"gradient compared in double; float32 differs by {number(r['gradient32'])}"
        lines.append(f"| {r['model']} | {number(r.get('forward'))} | {number(r.get('gradient'))} | "
                     f"{sum(v != 'not finite' for v in lrp.values())}/{len(lrp) + len(r.get('lrp_failed', {}))} | {number(lrp.get('lrp_z'))} | "
                     f"{number(lrp.get('lrp:composite=epsilon_plus_flat'))} | {note} |")
    return "\n".join(lines)


def write_page(path, results):
    begin, end = "<!-- keras zoo: begin -->", "<!-- keras zoo: end -->"
    head, rest = path.read_text().split(begin, 1)
    path.write_text(f"{head}{begin}\n{page(results)}\n{end}{rest.split(end, 1)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--only", default="")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "onnxray_keras_zoo")
    parser.add_argument("--limit", type=int, default=600, help="seconds per model")
    parser.add_argument("--retry", action="store_true", help="run again what failed")
    parser.add_argument("--write", type=pathlib.Path, help="make this page's table from the cache")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    if not arguments.write:
        LRP[:] = [m for m in LRP if is_known(arguments.command, m)]
    if arguments.one:
        return one(arguments.one, arguments.command, arguments.cache / f"{arguments.one}.json")
    if arguments.write:
        return write_page(arguments.write, [json.loads(f.read_text()) for f in sorted(arguments.cache.glob("*.json"))])
    for name in SIZES:
        file = arguments.cache / f"{name}.json"
        done = file.exists() and not (arguments.retry and "error" in json.loads(file.read_text()))
        if done or not re.search(arguments.only, name):
            continue
        try:
            subprocess.run([sys.executable, __file__, "--one", name, "--command", arguments.command, "--cache", arguments.cache],
                           timeout=arguments.limit, capture_output=True)
        except subprocess.TimeoutExpired:
            file.write_text(json.dumps({"model": name, "error": f"not done within {arguments.limit} s"}))
        print(file.read_text() if file.exists() else f"{name}: the process died", flush=True)


if __name__ == "__main__":
    sys.exit(main())
