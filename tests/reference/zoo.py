#!/usr/bin/env python3
"""Compares onnxray with ONNX Runtime (forward) and torch autograd (input gradient) on many architectures, and runs LRP.

Seeded random weights at small resolution, exported by PyTorch's exporters: "dynamo" and "torchscript" (opset 17; 20 where that
lacks an operator).
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
import contextlib
import json
import multiprocessing
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from zoo_page import FORWARD_TOLERANCE, GRADIENT_TOLERANCE, failed, write_page

EXPORTERS = ("dynamo", "torchscript")
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
    write = write_by_dynamo if exporter == "dynamo" else write_by_torchscript
    try:
        write(model, inputs, path)
    except Exception:  # both refuse some uses of fused attention
        if not write_out_attention(model):
            raise
        write(model, inputs, path)


def names_of(inputs):
    return [f"x{i}" for i in range(len(inputs))]


def write_by_dynamo(model, inputs, path):
    import torch
    torch.onnx.export(model, inputs, path, dynamo=True, external_data=False, verbose=False, input_names=names_of(inputs))


def write_by_torchscript(model, inputs, path):
    import torch
    options = dict(dynamo=False, input_names=names_of(inputs))
    try:
        torch.onnx.export(model, inputs, path, opset_version=17, **options)
    except torch.onnx.errors.UnsupportedOperatorError as error:
        if "was added in version" not in str(error):
            raise
        torch.onnx.export(model, inputs, path, opset_version=20, **options)


def write_out_attention(model):
    """Has timm's and transformers' attention computed by products and a softmax; whether there was any to change."""
    found = False
    for module in model.modules():
        if getattr(module, "fused_attn", False):
            module.fused_attn = False
            found = True
        elif hasattr(module, "set_attn_implementation") and module.config._attn_implementation == "sdpa":
            module.set_attn_implementation("eager")
            found = True
    return found


def relative_error(a, b):
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-30)) if b.size else 0.0


def onnxray(command, *arguments):
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-600:] or f"exit code {done.returncode}")
    return done.stdout


def contiguous_gradient(_module, _inputs, output):
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.contiguous())


def first_tensor(outputs):
    return outputs if hasattr(outputs, "backward") else outputs[0]


def autograd(model, inputs, target):
    """The gradient of an entry of the first output.

    torch 2.15's BatchNorm in evaluation takes a transposed gradient for a contiguous one (a wrong result, which central differences of
    torch's own forward pass show), so each of them is handed a contiguous copy.
    """
    import torch
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and not module._forward_hooks:
            module.register_forward_hook(contiguous_gradient)
    inputs = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in inputs]
    first_tensor(model(*inputs)).reshape(-1)[target].backward()
    return [x.grad.numpy() for x in inputs if x.requires_grad]


def relevance(explain, logit):
    """Runs LRP; explain(methods) gives the maps of each. -> the result's entries"""
    failed, skipped, maps = {}, [], {}
    try:
        maps = explain(LRP)
    except RuntimeError:
        for method in LRP:  # one by one, to learn which
            try:
                maps |= explain([method])
            except RuntimeError as error:
                # A rule for the input layer needs one; the message is the documented answer.
                if "no linear layer sees the model's input" in str(error):
                    skipped.append(method)
                else:
                    failed[method] = str(error)
    overflowing = [m for m, arrays in maps.items() if not all(np.isfinite(a).all() for a in arrays)]
    doubles = explain(overflowing, "--precision", "double") if overflowing else {}
    error = lambda arrays: abs(float(sum(np.sum(a, dtype=np.float64) for a in arrays)) - logit) / max(abs(logit), 1e-30)
    return {"lrp": {m: error(arrays) if all(np.isfinite(a).all() for a in arrays) else "not finite" for m, arrays in maps.items()},
            "lrp_failed": failed, "lrp_skipped": skipped,
            "lrp_in_double": {m: max(float(np.abs(a).max()) for a in arrays) for m, arrays in doubles.items()}}


def innermost(error):
    """What an exporter's error is about, below the advice that it wraps around."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = re.sub(r"\x1b\[\d+m", "", str(error)).split("\nWhile executing")[0]
    return f"{type(error).__name__}: {text}"[:800]


class Check:
    """One model through one exporter."""

    def __init__(self, model, inputs, exporter, command, folder, with_lrp):
        self.model, self.inputs, self.exporter, self.command, self.folder = model, inputs, exporter, command, folder
        self.path = folder / "model.onnx"
        self.with_lrp = with_lrp
        self.result = {}

    def export(self, inputs):
        export(self.model, inputs, str(self.path), self.exporter)

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
        self.names = names
        self.count = len(names)
        self.output = session.get_outputs()[0].name
        return session.run(None, feed)

    def reference(self):
        self.expected = self.save_inputs(self.inputs)

    def forward(self):
        onnxray(self.command, "run", self.path, *self.arguments, "--threads", 1, "-o", self.folder / "y.npz")
        self.result["forward"] = self.output_error(self.expected)
        self.logits = self.expected[0]
        self.target = int(np.argmax(self.logits))
        if self.result["forward"] <= FORWARD_TOLERANCE:
            return
        with self.doubled() as inputs:  # a net that amplifies rounding: ONNX Runtime's float32 is no reference either
            import torch
            with torch.no_grad():
                outputs = self.model(*inputs)
            outputs = [y.numpy() for y in (outputs if isinstance(outputs, (tuple, list)) else [outputs])]
            onnxray(self.command, "run", self.path, *self.arguments, "--precision", "double", "-o", self.folder / "y.npz")
            self.result |= {"forward32": self.result["forward"], "forward": self.output_error(outputs),
                            "runtime32": relative_error(self.expected[0], outputs[0])}

    def output_error(self, expected):
        outputs = np.load(self.folder / "y.npz")
        return max(relative_error(outputs[name], e) for name, e in zip(outputs.files, expected))

    @contextlib.contextmanager
    def doubled(self):
        """The model, its export and its inputs in double, meanwhile. ONNX Runtime lacks some double kernels and is not asked."""
        self.model.double()
        inputs = tuple(x.double() if x.is_floating_point() else x for x in self.inputs)
        try:
            self.export(inputs)
            for name, x in zip(self.names, inputs):
                np.save(self.folder / f"{name}.npy", x.numpy())
            yield inputs
        finally:
            self.model.float()
            self.export(self.inputs)
            self.save_inputs(self.inputs)

    def explain(self, methods, *options):
        flags = [flag for method in methods for flag in ("-m", method)]
        onnxray(self.command, "explain", self.path, *self.arguments, *flags, "--target", self.target, "--threads", 1,
                "-o", self.folder / "maps.npz", *options)
        maps = np.load(self.folder / "maps.npz")
        explained = self.explained or self.names  # ids: what reaches the embedding, summed per token
        return {m: [maps[m if self.count == 1 else f"{m}:{name}"] for name in explained] for m in methods}

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
        with self.doubled() as inputs:
            self.result["gradient"] = self.gradient_error(inputs, "--precision", "double")
            self.result["gradient_in"] = "double"

    def relevance(self):
        if not self.with_lrp:
            return
        self.result |= relevance(self.explain, float(self.logits.reshape(-1)[self.target]))

    def run(self):
        steps = [("export", lambda: self.export(self.inputs)),
                 ("ONNX Runtime", self.reference), ("forward", self.forward), ("gradient", self.gradient), ("lrp", self.relevance)]
        for name, step in steps:
            try:
                step()
            except Exception as error:  # whatever an exporter throws is this model's result
                self.result["failed_at"], self.result["error"] = name, innermost(error)
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
    os.setsid()  # so that the limit ends the commands it started as well
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
        result |= {"failed_at": "build", "error": innermost(error)}
    else:
        with tempfile.TemporaryDirectory() as folder:
            result |= Check(model, inputs, exporter, command, pathlib.Path(folder), with_lrp).run()
    result["seconds"] = round(time.time() - start, 1)
    file.write_text(json.dumps(result))


def file_of(cache, name, exporter):
    return cache / (re.sub(r"\W+", "_", name) + f".{exporter}.json")


def is_partial(result):
    """Whether LRP methods were added since."""
    known = {*result.get("lrp", {}), *result.get("lrp_failed", {}), *result.get("lrp_skipped", [])}
    return bool(known) and not set(LRP) <= known


def has_lrp(file):
    return file.exists() and "lrp" in json.loads(file.read_text())


def warm_up():
    """Loads once what each process would otherwise load for itself: exporters, their tables, ONNX Runtime."""
    import onnxruntime, torch  # noqa: F401
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for exporter in EXPORTERS:
            export(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1)).eval(), (torch.zeros(1, 1, 2, 2),),
                   f"{folder}/model.onnx", exporter)


def run_all(arguments, models):
    context = multiprocessing.get_context("fork")  # the libraries are imported once
    for name, (family, build) in models.items():
        for exporter in EXPORTERS:
            file = file_of(arguments.cache, name, exporter)
            if file.exists():
                result = json.loads(file.read_text())
                if not (arguments.retry and (failed(result) or is_partial(result))):
                    continue
            with_lrp = exporter == EXPORTERS[0] or not has_lrp(file_of(arguments.cache, name, EXPORTERS[0]))
            process = context.Process(target=check_model, args=(name, family, build, exporter, arguments.command, file, with_lrp))
            process.start()
            process.join(arguments.limit)
            if process.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
                process.join()
                file.write_text(json.dumps({"model": name, "family": family, "exporter": exporter, "failed_at": "time",
                                            "error": f"not done within {arguments.limit} s"}))
            result = json.loads(file.read_text()) if file.exists() else {"error": "the process died"}
            print(name, exporter, summary(result), flush=True)


def summary(result):
    numbers = {k: result[k] for k in ("forward", "gradient", "gradient32", "failed_at", "error", "seconds") if k in result}
    bad = [m for m, v in result.get("lrp", {}).items() if v == "not finite"] + list(result.get("lrp_failed", {}))
    return json.dumps(numbers | ({"lrp": bad} if bad else {}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--only", help="a regular expression over names")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "onnxray_zoo")
    parser.add_argument("--limit", type=int, default=600, help="seconds per model and exporter")
    parser.add_argument("--retry", action="store_true", help="run again what failed or lacks an LRP method")
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
    warm_up()
    run_all(arguments, {n: m for n, m in models.items() if not arguments.only or re.search(arguments.only, n)})


if __name__ == "__main__":
    sys.exit(main())
