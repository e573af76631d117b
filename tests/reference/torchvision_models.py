#!/usr/bin/env python3
"""Compares onnxray with ONNX Runtime (forward) and torch autograd (input gradient) on torchvision's models.

Seeded random weights, exported by PyTorch's current exporter ("dynamo") and by the TorchScript one. Needs PyPI's torch,
torchvision, onnx, onnxscript, onnxruntime, numpy, and a built onnxray:

    python3 tests/reference/torchvision_models.py [--command build/release/onnxray] [--only resnet18] [--size 224]

Errors are relative to the largest entry of the reference. Four of them:
  forward     onnxray in float32 against ONNX Runtime
  gradient    onnxray against torch autograd, both in double, on the model exported in double
  onnxray32   the gradient of onnxray in float32 against that double gradient
  torch32     the gradient of torch in float32 against it
A ReLU or max-pool whose operand lies within float32's rounding of its kink may fall on either side, and one such unit
changes the gradient in many places: in float32 two correct engines differ by about the last two columns' size, which is
why the comparison itself is made in double. Exit code 1 where `forward` or `gradient` exceeds 1e-4, or `onnxray32`
exceeds both 1e-4 and ten times `torch32`.
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


def autograd(model, x, target=None):
    x = x.clone().requires_grad_(True)
    logits = model(x)
    target = int(logits.argmax()) if target is None else target
    logits[0, target].backward()
    return x.grad.numpy(), target


def gradient_of(command, model, x, target, folder, *options):
    subprocess.run([command, "explain", model, "-i", x, "-m", "gradient", "--target", str(target), "-o", folder / "g.npy", *options],
                   check=True, capture_output=True)
    return np.load(folder / "g.npy")


def compare(name, exporter, command, size, folder):
    model = build(name)
    x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    path, x_file = folder / "model.onnx", folder / "x.npy"
    export(model, x, str(path), exporter)
    np.save(x_file, x.numpy())
    expected = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x.numpy()})[0]
    subprocess.run([command, "run", path, "-i", x_file, "-o", folder / "y.npy"], check=True, capture_output=True)
    forward = relative_error(np.load(folder / "y.npy"), expected)

    torch32, target = autograd(model, x)
    onnxray32 = gradient_of(command, path, x_file, target, folder)
    export(model.double(), x.double(), str(path), exporter)
    np.save(x_file, x.double().numpy())
    torch64, _ = autograd(model, x.double(), target)
    onnxray64 = gradient_of(command, path, x_file, target, folder, "--precision", "double")
    return forward, relative_error(onnxray64, torch64), relative_error(onnxray32, torch64), relative_error(torch32, torch64)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--only", choices=MODELS)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}")
    print("| model | exporter | forward | gradient | onnxray32 | torch32 |\n|---|---|---|---|---|---|")
    passed = True
    for name in [arguments.only] if arguments.only else MODELS:
        for exporter in ("dynamo", "torchscript"):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    errors = compare(name, exporter, arguments.command, arguments.size, pathlib.Path(folder))
                    forward, gradient, onnxray32, torch32 = errors
                    print(f"| {name} | {exporter} | " + " | ".join(f"{e:.1e}" for e in errors) + " |", flush=True)
                    passed &= max(forward, gradient) <= TOLERANCE and onnxray32 <= max(TOLERANCE, 10 * torch32)
                except subprocess.CalledProcessError as error:
                    print(f"| {name} | {exporter} | {error.stderr.decode().strip()} | | | |", flush=True)
                    passed = False
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
