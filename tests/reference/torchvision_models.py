#!/usr/bin/env python3
"""Compares onnxray with ONNX Runtime (forward) and torch autograd (input gradient) on torchvision's models.

Seeded random weights, exported by PyTorch's current exporter ("dynamo") and by the TorchScript one. Needs PyPI's torch,
torchvision, onnx, onnxscript, onnxruntime, numpy, and a built onnxray:

    python3 tests/reference/torchvision_models.py [--command build/release/onnxray] [--only resnet18] [--size 224]

Errors are relative to the largest entry of the reference. Exit code 1 where one exceeds 1e-4.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
import torch
import torchvision

MODELS = ["resnet18", "resnet50", "vgg16", "vgg16_bn", "mobilenet_v2", "densenet121", "efficientnet_b0"]
TOLERANCE = 1e-4


def build(name):
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(weights=None).eval()
    # Fresh BatchNorm statistics (0, 1) would hide errors in folding.
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.8, 1.2)
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
    return model


def export(model, x, path, exporter):
    kwargs = {"input_names": ["x"], "output_names": ["y"]}
    if exporter == "dynamo":
        torch.onnx.export(model, (x,), path, dynamo=True, external_data=False, verbose=False, **kwargs)
    else:
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=17, **kwargs)


def relative_error(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())


def compare(name, exporter, command, size, folder):
    model = build(name)
    x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    path = folder / "model.onnx"
    export(model, x, str(path), exporter)

    expected = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x.numpy()})[0]
    x.requires_grad_(True)
    logits = model(x)
    target = int(logits.argmax())
    logits[0, target].backward()

    np.save(folder / "x.npy", x.detach().numpy())
    subprocess.run([command, "run", path, "-i", folder / "x.npy", "-o", folder / "y.npy"], check=True, capture_output=True)
    subprocess.run([command, "explain", path, "-i", folder / "x.npy", "-m", "gradient", "--target", str(target),
                    "-o", folder / "g.npy"], check=True, capture_output=True)
    return relative_error(np.load(folder / "y.npy"), expected), relative_error(np.load(folder / "g.npy"), x.grad.numpy())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--only", choices=MODELS)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}")
    print("| model | exporter | forward vs ONNX Runtime | gradient vs autograd |\n|---|---|---|---|")
    worst = 0
    for name in [arguments.only] if arguments.only else MODELS:
        for exporter in ("dynamo", "torchscript"):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    forward, gradient = compare(name, exporter, arguments.command, arguments.size, pathlib.Path(folder))
                    print(f"| {name} | {exporter} | {forward:.1e} | {gradient:.1e} |", flush=True)
                    worst = max(worst, forward, gradient)
                except subprocess.CalledProcessError as error:
                    print(f"| {name} | {exporter} | {error.stderr.decode().strip()} | |", flush=True)
                    worst = float("inf")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
