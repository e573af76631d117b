"""What compare.py times: onnxray, ONNX Runtime, torch autograd, Zennit and Captum behind one interface.

Each contestant is a function without arguments that explains (or classifies) the same input once; timed() says
how long it took.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch


class Onnxray:
    """One process of `onnxray bench --turns`, which keeps the forward pass and the last method compiled."""

    def __init__(self, command, model, input_file, threads, convention):
        self.command, self.model, self.input_file = command, str(model), str(input_file)
        self.options = ["--threads", str(threads), "--convention", convention]
        self.process = subprocess.Popen(
            [command, "bench", self.model, "-i", self.input_file, *self.options, "--turns"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, name):
        """The answer to one turn: its time in `ms`, and what the plan of the method says."""
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"onnxray stopped at {name}")
        return json.loads(answer)

    def values(self, name):
        """The model's first output for `forward`, else the attribution."""
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out.npy")
            what = ["run"] if name == "forward" else ["explain"]
            options = ["--threads", self.options[1]] if name == "forward" else [*self.options, "-m", name]
            done = subprocess.run([self.command, *what, self.model, "-i", self.input_file, *options, "-o", out],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(done.stderr.strip())
            return np.load(out)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(work):
    """Milliseconds of a turn: the median of as many runs as fit in 50 ms, at least one, as `bench --turns` has it."""
    times = []
    first = time.perf_counter()
    while not times or time.perf_counter() - first < 0.05:
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))


def ort_forward(model, x, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: x})[0]


def one_hot(logits):
    return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)


def torch_forward(model, x):
    tensor = torch.from_numpy(x)

    def work():
        with torch.inference_mode():
            return model(tensor).numpy()

    return work


def torch_gradient(model, x):
    def work():
        tensor = torch.from_numpy(x).requires_grad_()
        logits = model(tensor)
        return torch.autograd.grad(logits, tensor, one_hot(logits.detach()))[0].numpy()

    return work


def captum_integrated_gradients(model, x, steps):
    from captum.attr import IntegratedGradients
    tensor = torch.from_numpy(x)
    with torch.inference_mode():
        target = model(tensor).argmax(1)
    method = IntegratedGradients(model)

    def work():
        return method.attribute(tensor, target=target, n_steps=steps, method="riemann_right",
                                internal_batch_size=len(x)).detach().numpy()

    return work


def zennit_composite(model, name, **options):
    from zennit import composites, torchvision as canonizers
    kind = type(model).__name__
    by_model = {"ResNet": canonizers.ResNetCanonizer, "VGG": canonizers.VGGCanonizer}
    chosen = [by_model[kind]()] if kind in by_model else None
    return getattr(composites, name)(canonizers=chosen, **options)


def zennit(model, x, name, **options):
    """The composite stays registered only during a call, as Zennit's own attributors have it."""
    composite = zennit_composite(model, name, **options)

    def work():
        tensor = torch.from_numpy(x).requires_grad_()
        with composite.context(model) as explained:
            logits = explained(tensor)
            return torch.autograd.grad(logits, tensor, one_hot(logits.detach()))[0].detach().numpy()

    return work


def status_kilobytes(entry):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(entry + ":"):
            return int(line.split()[1])
    return 0


def growth_in_bytes(work):
    """How far one call lifts the resident memory above what it is now."""
    before = status_kilobytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    work()
    return 1024 * (status_kilobytes("VmHWM") - before)
