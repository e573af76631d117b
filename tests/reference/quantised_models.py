#!/usr/bin/env python3
"""Quantises the shipped models with ONNX Runtime's tools, and compares their explanations with the float nets'.

    pip install onnxruntime onnx numpy
    python3 tests/reference/quantised_models.py [--command build/release/onnxray] [--write tests/api/quantised]

Fixed grids (QDQ and QOperator; per tensor and per channel; unsigned and signed activations) are calibrated on the shipped
samples, shifted and mirrored, and on synthetic beats, after ONNX Runtime's own preparation, which folds
BatchNormalization ("raw": without it); and what is left of them where only the weights, or only the activations,
are rounded. For each quantised net: the largest difference of its outputs to ONNX Runtime's, in units of the largest
output, and for each method the worst correlation of a map with the float net's and the range of the ratio of their
sums, over the samples. `--write` puts the models that the tests read there.
"""
import argparse
import collections
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
import ecg_beats  # noqa: E402

METHODS = ["lrp_z_plus", "lrp_epsilon_0_1", "lrp:composite=epsilon_plus", "gradient", "guided_backprop",
           "integrated_gradients", "grad_cam"]
KEPT = {"fashion_mnist_torch": ["qdq_channel_u8", "dynamic_channel"], "ecg": ["qdq_tensor_s8", "dynamic_tensor"]}


def garments():
    samples = [np.load(path) for path in sorted((ROOT / "models/samples").glob("fashion_*_nchw.npy"))]
    return [np.asarray(s, np.float32).reshape(1, 1, 28, 28) for s in samples]


def beats():
    paths = sorted((ROOT / "models/samples").glob("ecg_*.csv"))
    return [np.loadtxt(path, skiprows=1, dtype=np.float32).reshape(1, 1, -1) for path in paths]


def garment_calibration():
    for image in garments():
        for mirrored in (image, image[..., ::-1]):
            for dy in (-2, 0, 2):
                for gain in (0.7, 1.0):
                    yield np.ascontiguousarray(np.roll(mirrored, dy, 2)) * np.float32(gain)


def beat_calibration():
    yield from beats()
    windows, _ = ecg_beats.synthetic(200, 0)
    yield from (np.asarray(w, np.float32).reshape(1, 1, -1) for w in windows)


class Reader(quantization.CalibrationDataReader):
    def __init__(self, name, data):
        self.data = iter([{name: x} for x in data])

    def get_next(self):
        return next(self.data, None)


def is_weight(node, constants):
    return node.op_type == "DequantizeLinear" and node.input[0] in constants


def weights_rounded(quantised, path):
    """A QDQ net with its weights and without its activations' grids: of those inside that start at 0 the
    rectifier is left."""
    model = onnx.load(quantised)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    inputs = {i.name for i in model.graph.input}
    nodes, rounded = [], {}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            rounded[node.output[0]] = node.input[0]
        elif is_weight(node, constants):
            q, scale, zero = (constants[name] for name in node.input)
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            shape = [-1 if i == (axis if q.ndim > 1 else 0) else 1 for i in range(q.ndim)] if scale.size > 1 else []
            real = ((q.astype(np.float64) - zero.reshape(shape)) * scale.reshape(shape)).reshape(q.shape)
            model.graph.initializer.append(numpy_helper.from_array(real.astype(np.float32), node.output[0]))
        elif node.op_type == "DequantizeLinear":
            x, zero = rounded[node.input[0]], constants[node.input[2]]
            rectifies = int(zero) == np.iinfo(zero.dtype).min and x not in inputs
            nodes.append(onnx.helper.make_node("Relu" if rectifies else "Identity", [x], [node.output[0]]))
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def activations_rounded(quantised, prepared, path):
    """A QDQ net with the float net's weights."""
    model, floats = onnx.load(quantised), {t.name: t for t in onnx.load(prepared).graph.initializer}
    constants = {t.name for t in model.graph.initializer}
    for node in [n for n in model.graph.node if is_weight(n, constants)]:
        weight = model.graph.initializer.add()
        weight.CopyFrom(floats[node.input[0].removesuffix("_quantized")])
        weight.name = node.output[0]
        model.graph.node.remove(node)
    onnx.save(model, path)


def quantise(source, name, data, folder):
    """Every quantised form of a model, by what it is called."""
    types = {"u8": quantization.QuantType.QUInt8, "s8": quantization.QuantType.QInt8}
    prepared = folder / "prepared.onnx"
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    models = {}

    def fix(label, origin, form, channel, activation):
        models[label] = folder / f"{label}.onnx"
        quantization.quantize_static(origin, models[label], Reader(name, data()), quant_format=form, per_channel=channel,
                                     activation_type=activation, weight_type=types["s8"])

    for channel in (False, True):
        scope = "channel" if channel else "tensor"
        for form in (quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator):
            for kind, activation in types.items():
                fix(f"{form.name.lower()}_{scope}_{kind}", prepared, form, channel, activation)
        models[f"dynamic_{scope}"] = folder / f"dynamic_{scope}.onnx"
        quantization.quantize_dynamic(source, models[f"dynamic_{scope}"], per_channel=channel,
                                      weight_type=types["s8" if channel else "u8"])
    for scope in ("tensor", "channel"):
        whole = models[f"qdq_{scope}_u8"]
        models[f"{scope}: weights alone"] = folder / f"weights_{scope}.onnx"
        weights_rounded(whole, models[f"{scope}: weights alone"])
    models["activations alone"] = folder / "activations.onnx"
    activations_rounded(models["qdq_tensor_u8"], prepared, models["activations alone"])
    fix("raw_qdq_channel_u8", source, quantization.QuantFormat.QDQ, True, types["u8"])
    return models


def explain(command, model, x, target, folder):
    np.save(folder / "x.npy", x)
    words = [command, "explain", model, "-i", folder / "x.npy", "-o", folder / "maps.npz", "--target", target]
    for method in METHODS:
        words += ["-m", method]
    subprocess.run([str(w) for w in words], check=True, capture_output=True)
    subprocess.run([str(w) for w in [command, "run", model, "-i", folder / "x.npy", "-o", folder / "y.npy"]], check=True,
                   capture_output=True)
    maps = dict(np.load(folder / "maps.npz"))
    return {method: next(maps[k] for k in maps if k.startswith(method)) for method in METHODS}, np.load(folder / "y.npy")


def compare(command, source, models, samples, folder):
    reference = onnxruntime.InferenceSession(source)
    name = reference.get_inputs()[0].name
    rows = collections.defaultdict(lambda: collections.defaultdict(list))
    for x in samples:
        target = int(reference.run(None, {name: x})[0].argmax())
        maps, _ = explain(command, source, x, target, folder)
        for label, model in models.items():
            quantised, y = explain(command, model, x, target, folder)
            expected = onnxruntime.InferenceSession(model).run(None, {name: x})[0]
            rows[label]["forward"].append(np.abs(y - expected).max() / np.abs(expected).max())
            for method in METHODS:
                a, b = maps[method].ravel(), quantised[method].ravel()
                rows[label][method].append((np.corrcoef(a, b)[0, 1] if b.std() > 0 else 0.0, b.sum() / a.sum()))
    return rows


def table(rows):
    print("| quantised | forward | " + " | ".join(METHODS) + " |")
    print("|---" * (len(METHODS) + 2) + "|")
    for label, row in rows.items():
        cells = [label, f"{max(row['forward']):.0e}"]
        for method in METHODS:
            sums = [s for _, s in row[method]]
            cells.append(f"{min(c for c, _ in row[method]):.4f}; {min(sums):.3f} to {max(sums):.3f}")
        print("| " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default=ROOT / "build/release/onnxray")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    nets = {"fashion_mnist_torch": (garments, garment_calibration), "ecg": (beats, beat_calibration)}
    for net, (samples, calibration) in nets.items():
        source = ROOT / "models" / f"{net}.onnx"
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            name = onnxruntime.InferenceSession(source).get_inputs()[0].name
            models = quantise(source, name, calibration, folder)
            if options.write:
                options.write.mkdir(parents=True, exist_ok=True)
                for label in KEPT[net]:
                    shutil.copy(models[label], options.write / f"{net.split('_')[0]}_{label}.onnx")
            print(f"\n{net}:\n")
            table(compare(options.command, source, models, samples(), folder))


if __name__ == "__main__":
    main()
