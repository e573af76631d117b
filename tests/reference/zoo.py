#!/usr/bin/env python3
"""Compares onnxray with ONNX Runtime (forward) and torch autograd (input gradient) on many architectures, and runs LRP.

Seeded random weights at small resolution, exported by PyTorch's exporters: "dynamo" and "torchscript" (opset 17).
Needs PyPI's torch, torchvision, timm, transformers, onnx, onnxscript, onnxruntime, numpy, and a built onnxray:

    python3 tests/reference/zoo.py [--command build/release/onnxray] [--only resnet18] [--cache FOLDER] [--write docs/zoo.md]

Each model runs in a process of its own; what was done is kept in the cache folder, so that the script can be stopped and
continued. --write makes the page from the cache and runs nothing.

LRP runs on the dynamo export; the TorchScript one brings the same graph once it is imported, and gets LRP where the
first failed. Errors are relative to the largest entry of the reference. The gradient is compared in float32 first. A ReLU or max-pool
whose operand lies within float32's rounding of its kink may fall on either side, so where that fails both sides are
computed in double, which leaves only true differences. `conservation` is |sum of relevance - logit| / |logit|.
"""
import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

EXPORTERS = ("dynamo", "torchscript")
FORWARD_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3
LRP = ["lrp_z", "lrp_epsilon_0_1", "lrp_alpha_1_beta_0", "lrp_gamma", "lrp_w_square", "lrp_flat"] + [
    f"lrp:composite={name}" for name in (
        "sequential_composite_a", "sequential_composite_b", "sequential_preset_a", "sequential_preset_b", "sequential_preset_a_flat",
        "sequential_preset_b_flat", "sequential_preset_b_flat_until_idx", "epsilon_plus", "epsilon_plus_flat", "epsilon_alpha2_beta1",
        "epsilon_alpha2_beta1_flat", "epsilon_gamma_box,low=-4,high=4", "excitation_backprop", "attnlrp", "cp_lrp")]


def prepare(model):
    """Weights that hide nothing: fresh BatchNorm statistics (0, 1) and layers that start as zeros would."""
    import torch
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.uniform_(-0.1, 0.1, generator=generator)
            module.running_var.uniform_(0.8, 1.2, generator=generator)
            module.weight.data.uniform_(0.8, 1.2, generator=generator)
            module.bias.data.uniform_(-0.1, 0.1, generator=generator)
    for parameter in model.parameters():
        if parameter.is_floating_point() and not parameter.any():
            parameter.data.normal_(0, 0.02, generator=generator)
    return model.eval()


def export(model, inputs, path, exporter):
    import torch
    names = [f"x{i}" for i in range(len(inputs))]
    if exporter == "dynamo":
        torch.onnx.export(model, inputs, path, dynamo=True, external_data=False, verbose=False, input_names=names)
    else:
        torch.onnx.export(model, inputs, path, dynamo=False, opset_version=17, input_names=names)


def relative_error(a, b):
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-30)) if b.size else 0.0


def onnxray(command, *arguments):
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-600:] or f"exit code {done.returncode}")
    return done.stdout


def first_tensor(outputs):
    return outputs if hasattr(outputs, "backward") else outputs[0]


def autograd(model, inputs, target):
    inputs = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in inputs]
    first_tensor(model(*inputs)).reshape(-1)[target].backward()
    return [x.grad.numpy() for x in inputs if x.requires_grad]


class Check:
    """One model through one exporter."""

    def __init__(self, model, inputs, exporter, command, folder, with_lrp):
        self.model, self.inputs, self.exporter, self.command, self.folder = model, inputs, exporter, command, folder
        self.path = folder / "model.onnx"
        self.with_lrp = with_lrp
        self.result = {}

    def save_inputs(self, inputs):
        import onnxruntime
        session = onnxruntime.InferenceSession(str(self.path), providers=["CPUExecutionProvider"])
        names = [i.name for i in session.get_inputs()]
        self.arguments, feed = [], {}
        for name, x in zip(names, inputs):
            np.save(self.folder / f"{name}.npy", x.numpy())
            self.arguments += ["-i", f"{name}={self.folder / name}.npy"]
            feed[name] = x.numpy()
        self.explained = [name for name, x in zip(names, inputs) if x.is_floating_point()]
        self.count = len(names)
        self.output = session.get_outputs()[0].name
        return session.run(None, feed)

    def forward(self):
        expected = self.save_inputs(self.inputs)
        onnxray(self.command, "run", self.path, *self.arguments, "--threads", 1, "-o", self.folder / "y.npz")
        outputs = np.load(self.folder / "y.npz")
        self.result["forward"] = max(relative_error(outputs[name], e) for name, e in zip(outputs.files, expected))
        self.logits = expected[0]
        self.target = int(np.argmax(expected[0]))

    def explain(self, methods, *options):
        flags = [flag for method in methods for flag in ("-m", method)]
        onnxray(self.command, "explain", self.path, *self.arguments, *flags, "--target", self.target, "--threads", 1,
                "-o", self.folder / "maps.npz", *options)
        maps = np.load(self.folder / "maps.npz")
        return {m: [maps[m if self.count == 1 else f"{m}:{name}"] for name in self.explained] for m in methods}

    def gradient_error(self, inputs, *options):
        ours = self.explain(["gradient"], "--keep-softmax", *options)["gradient"]
        return max(relative_error(a, b) for a, b in zip(ours, autograd(self.model, inputs, self.target)))

    def gradient(self):
        if not self.explained:
            self.result["gradient"] = "ids"
            return
        self.result["gradient"] = self.gradient_error(self.inputs)
        if self.result["gradient"] <= GRADIENT_TOLERANCE:
            return
        self.result["gradient32"] = self.result["gradient"]
        import torch
        self.model.double()
        doubles = tuple(x.double() if x.is_floating_point() else x for x in self.inputs)
        try:
            export(self.model, doubles, str(self.path), self.exporter)
            # Torch in double on both sides; ONNX Runtime lacks some double kernels and is not asked.
            for name, x in zip(self.explained, (x for x in doubles if x.is_floating_point())):
                np.save(self.folder / f"{name}.npy", x.numpy())
            self.result["gradient"] = self.gradient_error(doubles, "--precision", "double")
            self.result["gradient_in"] = "double"
        finally:
            self.model.float()
            export(self.model, self.inputs, str(self.path), self.exporter)
            self.save_inputs(self.inputs)

    def relevance(self):
        if not self.explained or not self.with_lrp:
            return
        failed, maps = {}, {}
        try:
            maps = self.explain(LRP)
        except RuntimeError:
            for method in LRP:  # one by one, to learn which
                try:
                    maps |= self.explain([method])
                except RuntimeError as error:
                    # A rule for the input layer needs one; the message is the documented answer.
                    if "no linear layer sees the model's input" not in str(error):
                        failed[method] = str(error)
        logit = float(self.logits.reshape(-1)[self.target])
        self.result["lrp"] = {
            m: (abs(float(sum(np.sum(a, dtype=np.float64) for a in arrays)) - logit) / max(abs(logit), 1e-30)
                if all(np.isfinite(a).all() for a in arrays) else "not finite") for m, arrays in maps.items()}
        self.result["lrp_failed"] = failed

    def run(self):
        steps = [("export", lambda: export(self.model, self.inputs, str(self.path), self.exporter)),
                 ("forward", self.forward), ("gradient", self.gradient), ("lrp", self.relevance)]
        for name, step in steps:
            try:
                step()
            except Exception as error:  # whatever an exporter throws is this model's result
                self.result["failed_at"], self.result["error"] = name, f"{type(error).__name__}: {error}"[:800]
                if name != "gradient":
                    break
        return self.result


def is_known(command, method):
    """Whether this onnxray has the composite; asked of a model that always exists."""
    root = pathlib.Path(__file__).resolve().parents[2]
    done = subprocess.run([command, "inspect", root / "models/fashion_mnist_torch.onnx", "-m", method], capture_output=True, text=True)
    return "unknown composite" not in done.stderr


def versions():
    import onnxruntime, timm, torch, torchvision, transformers
    return {m.__name__: m.__version__ for m in (torch, torchvision, timm, transformers, onnxruntime)}


def check_model(name, family, build, exporter, command, file, with_lrp):
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(0)
    result = {"model": name, "family": family, "exporter": exporter}
    start = time.time()
    try:
        model, inputs = build()
        with torch.no_grad():
            model = prepare(model)
            model(*inputs)
    except Exception as error:
        result |= {"failed_at": "build", "error": f"{type(error).__name__}: {error}"[:800]}
    else:
        with tempfile.TemporaryDirectory() as folder:
            result |= Check(model, inputs, exporter, command, pathlib.Path(folder), with_lrp).run()
    result["seconds"] = round(time.time() - start, 1)
    file.write_text(json.dumps(result))


def file_of(cache, name, exporter):
    return cache / (re.sub(r"\W+", "_", name) + f".{exporter}.json")


def has_lrp(file):
    return file.exists() and "lrp" in json.loads(file.read_text())


def run_all(arguments, models):
    context = multiprocessing.get_context("fork")  # the libraries are imported once
    for name, (family, build) in models.items():
        for exporter in EXPORTERS:
            file = file_of(arguments.cache, name, exporter)
            if file.exists() and not (arguments.retry and failed(json.loads(file.read_text()))):
                continue
            with_lrp = exporter == EXPORTERS[0] or not has_lrp(file_of(arguments.cache, name, EXPORTERS[0]))
            process = context.Process(target=check_model, args=(name, family, build, exporter, arguments.command, file, with_lrp))
            process.start()
            process.join(arguments.limit)
            if process.is_alive():
                process.kill()
                process.join()
                file.write_text(json.dumps({"model": name, "family": family, "exporter": exporter, "failed_at": "time",
                                            "error": f"not done within {arguments.limit} s"}))
            result = json.loads(file.read_text()) if file.exists() else {"error": "the process died"}
            print(name, exporter, summary(result), flush=True)


def failed(result):
    return (result.get("failed_at") is not None or result["forward"] > FORWARD_TOLERANCE or
            (result["gradient"] != "ids" and result["gradient"] > GRADIENT_TOLERANCE) or bool(result.get("lrp_failed")) or
            "not finite" in result.get("lrp", {}).values())


def summary(result):
    numbers = {k: result[k] for k in ("forward", "gradient", "gradient32", "failed_at", "error", "seconds") if k in result}
    bad = [m for m, v in result.get("lrp", {}).items() if v == "not finite"] + list(result.get("lrp_failed", {}))
    return json.dumps(numbers | ({"lrp": bad} if bad else {}))


# The page --------------------------------------------------------------------------------------------------------------
def number(value):
    return value if isinstance(value, str) else "" if value is None else f"{value:.1e}"


def cause(result):
    if result.get("failed_at"):
        return f"{result['failed_at']}: " + " ".join(result["error"].split())[:160].replace("|", "/")
    parts = [f"{m} fails: " + " ".join(e.split())[:80] for m, e in result.get("lrp_failed", {}).items()]
    parts += [f"{m} not finite" for m, v in result.get("lrp", {}).items() if v == "not finite"]
    if result.get("gradient_in"):
        parts.append(f"gradient compared in double; float32 differs by {number(result['gradient32'])}")
    return "; ".join(parts).replace("|", "/")


def row(result):
    lrp = result.get("lrp", {})
    finite = sum(v != "not finite" for v in lrp.values())
    ran = f"{finite}/{len(lrp) + len(result.get('lrp_failed', {}))}" if lrp else ""
    return (f"| {result['model'].removeprefix('timm:')} | {result['family']} | {result['exporter']} | {number(result.get('forward'))} | "
            f"{number(result.get('gradient'))} | {ran} | "
            f"{number(lrp.get('lrp_z'))} | {number(lrp.get('lrp:composite=epsilon_plus'))} | {cause(result)} |")


def page(results):
    tried = [r for r in results if r.get("failed_at") not in ("build", "export", "time")]
    ran = [r for r in tried if "forward" in r]
    exact = [r for r in ran if r["forward"] <= FORWARD_TOLERANCE]
    with_gradient = [r for r in tried if r.get("gradient") != "ids"]
    right = [r for r in with_gradient if isinstance(r.get("gradient"), float) and r["gradient"] <= GRADIENT_TOLERANCE]
    relevance = [r for r in tried if r.get("lrp")]
    clean = [r for r in relevance if not r["lrp_failed"] and "not finite" not in r["lrp"].values()]
    share = lambda a, b: f"{len(a)} of {len(b)} ({100 * len(a) / max(len(b), 1):.1f} %)"
    lines = [f"{len({r['model'] for r in results})} architectures, {len(results)} exports tried, "
             f"{len(tried)} written by the exporter.", "",
             "| check | passed |", "|---|---|",
             f"| loads and runs | {share(ran, tried)} |",
             f"| forward equals ONNX Runtime within {FORWARD_TOLERANCE:g} | {share(exact, tried)} |",
             f"| input gradient equals torch autograd within {GRADIENT_TOLERANCE:g} | {share(right, with_gradient)} |",
             f"| every LRP method and composite runs and is finite | {share(clean, relevance)} |", ""]
    errors = collections.defaultdict(list)
    for r in relevance:
        for method, value in r["lrp"].items():
            if value != "not finite":
                errors[method].append(value)
    lines += ["| LRP | median conservation error | 90th percentile |", "|---|---|---|"]
    lines += [f"| `{m}` | {np.median(v):.1e} | {np.percentile(v, 90):.1e} |" for m, v in errors.items()]
    lines += ["", "| model | family | exporter | forward | gradient | LRP finite | conservation, lrp_z | epsilon_plus | cause, note |",
              "|---|---|---|---|---|---|---|---|---|"]
    lines += [row(r) for r in sorted(results, key=lambda r: (r["family"], r["model"], r["exporter"]))]
    return "\n".join(lines)


def write_page(path, results):
    """Replaces what stands between the page's two markers."""
    begin, end = "<!-- torch zoo: begin -->", "<!-- torch zoo: end -->"
    text = path.read_text()
    head, rest = text.split(begin, 1)
    path.write_text(f"{head}{begin}\n{page(results)}\n{end}{rest.split(end, 1)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--only", help="a regular expression over names")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "onnxray_zoo")
    parser.add_argument("--limit", type=int, default=600, help="seconds per model and exporter")
    parser.add_argument("--retry", action="store_true", help="run again what failed")
    parser.add_argument("--write", type=pathlib.Path, help="make this page from the cache")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    if arguments.write:
        return write_page(arguments.write, [json.loads(f.read_text()) for f in sorted(arguments.cache.glob("*.json"))])
    os.environ["OMP_NUM_THREADS"] = "1"
    from zoo_models import all_models
    print(versions(), flush=True)
    LRP[:] = [m for m in LRP if is_known(arguments.command, m)]
    models = all_models()
    run_all(arguments, {n: m for n, m in models.items() if not arguments.only or re.search(arguments.only, n)})


if __name__ == "__main__":
    sys.exit(main())
