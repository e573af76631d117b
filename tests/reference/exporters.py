#!/usr/bin/env python3
"""Exports three small nets by every exporter and opset and compares with PyTorch.

Needs PyPI's torch, onnx, onnxscript, numpy, and a built onnxray:

    python3 tests/reference/exporters.py [--command build/release/onnxray]

A CNN, a transformer encoder and a two-layer bidirectional LSTM with seeded random weights are written by the TorchScript
exporter (opsets 11, 13, 17) and by the dynamo one (18, 20, 23), optimised or not (then with local functions), with a symbolic batch
and with a batch fixed at 1. Each file then gets three samples: the outputs equal PyTorch's, the gradient that of autograd (errors
relative to the largest entry), and relevance is finite. Prints a table; exit code 1 where a row fails.
"""
import argparse
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORWARD, GRADIENT = 1e-5, 1e-4  # float32 against float32
METHODS = ["gradient", "lrp_epsilon_0_1", "lrp_z_plus", "lrp:composite=attnlrp"]
KINDS = [("TorchScript", opset) for opset in (11, 13, 17)]
KINDS += [(kind, opset) for kind in ("dynamo", "dynamo, optimize=False") for opset in (18, 20, 23)]


class Cnn(nn.Module):
    sample = (3, 12, 12)

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.second, self.head = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4), nn.Linear(8, 5)

    def forward(self, x):
        x = nn.functional.silu(self.second(torch.relu(self.norm(self.first(x)))))
        return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Transformer(nn.Module):
    sample = (8, 6)

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Linear(6, 16), nn.Linear(16, 5)
        self.token, self.place = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 9, 16))
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu", dropout=0.0)

    def forward(self, x):
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), self.embed(x)], 1) + self.place
        return self.head(self.layer(tokens)[:, 0])


class Lstm(nn.Module):
    sample = (8, 6)

    def __init__(self):
        super().__init__()
        self.layers = nn.LSTM(6, 10, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(20, 5)

    def forward(self, x):
        return self.head(self.layers(x)[0][:, -1])


def export(net, kind, opset, symbolic, path):
    x = (torch.randn(2 if symbolic else 1, *net.sample),)
    names = {"input_names": ["x"], "output_names": ["y"], "opset_version": opset}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if kind == "TorchScript":
            axes = {"x": {0: "batch"}, "y": {0: "batch"}} if symbolic else None
            torch.onnx.export(net, x, path, dynamo=False, dynamic_axes=axes, **names)
        else:
            batch = {"x": {0: torch.export.Dim("batch", min=1, max=64)}} if symbolic else None
            torch.onnx.export(net, x, path, dynamo=True, dynamic_shapes=batch, optimize=kind == "dynamo", **names)


def onnxray(command, *arguments):
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stderr


def relative_error(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max()) if a.shape == b.shape else float("inf")


def compare(command, net, path, folder):
    x = torch.randn(3, *net.sample, requires_grad=True)
    y = net(x)
    gradient = torch.autograd.grad(y[:, 2].sum(), x)[0].numpy()
    np.save(folder / "x.npy", x.detach().numpy())
    notes = onnxray(command, "run", path, "-i", folder / "x.npy", "-o", folder / "y.npy")
    options = [part for method in METHODS for part in ("-m", method)]
    onnxray(command, "explain", path, "-i", folder / "x.npy", "--target", 2, *options, "-o", folder / "maps.npz")
    maps = np.load(folder / "maps.npz")
    finite = all(np.isfinite(maps[key]).all() for key in maps.files) and len(maps.files) == len(METHODS)
    forward = relative_error(np.load(folder / "y.npy"), y.detach().numpy())
    return forward, relative_error(maps["gradient"], gradient), finite, "one after the other" in notes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default=ROOT / "build/release/onnxray")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(f"torch {torch.__version__}, onnx {onnx.__version__}\n")
    print("| net | exporter | opset | batch | local functions | forward | gradient | samples |\n|---|---|---|---|---|---|---|---|")
    failed = 0
    for make in (Cnn, Transformer, Lstm):
        for kind, opset in KINDS:
            for symbolic in (True, False):
                torch.manual_seed(0)
                net = make().eval()
                row = f"| {make.__name__} | {kind} | {opset} | {'symbol' if symbolic else '1'} |"
                with tempfile.TemporaryDirectory() as name:
                    folder = pathlib.Path(name)
                    try:
                        export(net, kind, opset, symbolic, folder / "net.onnx")
                    except Exception as error:
                        print(row, "the exporter refuses:", str(error).splitlines()[0][:120], flush=True)
                        continue
                    try:
                        functions = len(onnx.load(folder / "net.onnx").functions)
                        forward, gradient, finite, alone = compare(arguments.command, net, folder / "net.onnx", folder)
                        ok = forward < FORWARD and gradient < GRADIENT and finite
                        how = "one by one" if alone else "at once"
                        print(row, f"{functions} | {forward:.1e} | {gradient:.1e} | {how} |{'' if ok else ' fails'}", flush=True)
                    except Exception as error:
                        ok = False
                        print(row, " ".join(str(error).split())[:300], flush=True)
                failed += not ok
    print(f"\n{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
