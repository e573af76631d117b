#!/usr/bin/env python3
"""Times onnxray beside ONNX Runtime, torch autograd, Zennit and Captum, in turns in one run.

    pip install torch torchvision onnx onnxscript onnxruntime zennit captum rapidocr-onnxruntime
    GOMP_SPINCOUNT=1000 bench/compare.py --quick --json results.json --markdown results.md

All programs get the same model, input, batch and number of threads. A round gives each contestant of a row one
turn (a run, or as many as fit in 50 ms), so a busy neighbour meets all of them; ratios are taken within rounds, and their median and quartiles are printed.
Before a row is timed, its contestants' results must agree.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # read when libgomp loads

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import peers

ROOT = Path(__file__).resolve().parent.parent
TORCHVISION = ["resnet50", "vgg16", "mobilenet_v2", "densenet121", "efficientnet_b0", "vit_b_16"]
MODELS = [*TORCHVISION, "ecg", "ppocr_cls"]
BOX = {"low": -3.0, "high": 3.0}
IG = "integrated_gradients:steps=50"


@dataclass
class Row:
    """One line of the table. `peer` makes the contestant from (torch model, input); None: only our own ratio."""
    name: str
    method: str
    convention: str = "signxai"
    against: str = ""
    peer: object = None
    target: str = ""
    tolerance: float = 1e-2  # of the norm: ReLUs and pools within rounding of a tie fall either way
    loop: bool = False       # a hundred passes or more


def zennit_row(name, method, zennit_name, target, **options):
    return Row(name, method, "zennit", "zennit",
               lambda model, x: peers.zennit(model, x, zennit_name, **{k: torch.full((1, 3, 1, 1), v) for k, v in options.items()}),
               target)


ROWS = [
    Row("gradient", "gradient", "signxai", "torch", peers.torch_gradient, "<= 2.1 (b8), 2.2 (b1); torch >= 1.1"),
    Row("lrp_epsilon", "lrp_epsilon_0_1", target="<= 2.2"),
    Row("lrpsign_epsilon", "lrpsign_epsilon_0_1", target="<= 2.2"),
    Row("lrp_alpha_1_beta_0", "lrp_alpha_1_beta_0", target="<= 3.2"),
    Row("lrp_alpha_2_beta_1", "lrp_alpha_2_beta_1", target="<= 4.3"),
    Row("composite_a", "lrp_sequential_composite_a", target="<= 3.2"),
    Row("composite_b", "lrp_sequential_composite_b", target="<= 4.3"),
    Row("grad_cam", "grad_cam", target="<= 1.25"),
    zennit_row("EpsilonPlus", "lrp:composite=epsilon_plus", "EpsilonPlus", "<= 3.2; zennit >= 2.5"),
    zennit_row("EpsilonPlusFlat", "lrp:composite=epsilon_plus_flat", "EpsilonPlusFlat", "<= 3.2; zennit >= 2.5"),
    zennit_row("EpsilonAlpha2Beta1", "lrp:composite=epsilon_alpha2_beta1", "EpsilonAlpha2Beta1", "<= 4.3; zennit >= 5"),
    zennit_row("EpsilonAlpha2Beta1Flat", "lrp:composite=epsilon_alpha2_beta1_flat", "EpsilonAlpha2Beta1Flat", "<= 4.3; zennit >= 5"),
    zennit_row("EpsilonGammaBox", "lrp:composite=epsilon_gamma_box,low=-3,high=3", "EpsilonGammaBox", "<= 3.3; zennit >= 5", **BOX),
    Row("IG_50", IG, "zennit", "captum", lambda model, x: peers.captum_integrated_gradients(model, x, 50),
        "<= 104; captum >= 1.1", loop=True),
    Row("SmoothGrad_50", "smoothgrad:samples=50", target="<= 104", loop=True),
]


@dataclass
class Result:
    model: str
    batch: int
    row: str
    target: str
    against: str = ""
    note: str = ""
    times: dict = field(default_factory=dict)   # contestant -> [low, median, high] in ms
    ratios: dict = field(default_factory=dict)  # "own forward", contestant -> [low, median, high]
    facts: dict = field(default_factory=dict)


def export(name, cache):
    """(ONNX file, torch model or None)."""
    if name == "ecg":
        return ROOT / "models" / "ecg.onnx", None
    if name == "ppocr_cls":
        import rapidocr_onnxruntime
        return Path(rapidocr_onnxruntime.__file__).parent / "models" / "ch_ppocr_mobile_v2.0_cls_infer.onnx", None
    import torchvision
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(weights=None).eval().requires_grad_(False)
    path = cache / f"{name}.onnx"
    if not path.exists():
        batch = torch.export.Dim("batch", min=1, max=256)
        torch.onnx.export(model, (torch.randn(2, 3, 224, 224),), str(path), dynamo=True, external_data=False,
                          dynamic_shapes=({0: batch},), verbose=False)
    return path, model


def input_for(name, path, batch, cache):
    import onnx
    shape = [3, 224, 224]
    if name not in TORCHVISION:
        declared = onnx.load(path, load_external_data=False).graph.input[0].type.tensor_type.shape.dim
        fallback = {"ppocr_cls": [3, 48, 192]}.get(name)
        shape = [d.dim_value or (fallback[i] if fallback else 1) for i, d in enumerate(declared[1:])]
    x = np.random.default_rng(1).standard_normal([batch, *shape]).astype(np.float32)
    x = np.clip(x, -3, 3)  # inside of z-box's bounds
    file = cache / f"{name}_{batch}.npy"
    np.save(file, x)
    return x, file


def quartiles(values):
    return [float(np.quantile(values, q)) for q in (0.25, 0.5, 0.75)]


def difference(ours, theirs):
    """|a-b| / |b| in the Euclidean norm, the worst sample. Of the millions of ReLUs of a deep net some lie within
    rounding of 0 and differ between two programs: single pixels of a map then differ by up to a percent of its largest
    entry though the maps agree. The test suite compares entry by entry, on nets small enough for that."""
    a, b = (v.reshape(len(theirs), -1).astype(np.float64) for v in (ours, theirs))
    return float((np.linalg.norm(a - b, axis=1) / np.maximum(np.linalg.norm(b, axis=1), 1e-300)).max())


def take_rounds(contestants, seconds, most):
    """Every contestant once per round; times by contestant."""
    times = {name: [] for name in contestants}
    start = time.monotonic()
    done = 0
    while done < 2 or (done < most and time.monotonic() - start < seconds):
        names = list(contestants) if done % 2 == 0 else list(contestants)[::-1]
        for name in names:
            time.sleep(0.3)  # until idle threads of the contestant before have gone to sleep
            times[name].append(contestants[name]())
        done += 1
    return times


def fill(result, times, baselines):
    ours = np.array(times["onnxray"])
    result.times = {name: quartiles(values) for name, values in times.items()}
    result.times["rounds"] = len(ours)
    for name, label in baselines.items():
        if name not in times:
            continue
        other = np.array(times[name])
        result.ratios[label] = quartiles(ours / other if label == "own forward" else other / ours)


class Bench:
    def __init__(self, options):
        self.options = options
        self.cache = Path(options.cache)
        self.cache.mkdir(parents=True, exist_ok=True)
        self.results = []
        self.deadline = time.monotonic() + 60 * options.minutes

    def late(self):
        return time.monotonic() > self.deadline

    def add(self, result):
        self.results.append(result)
        print(line(result), flush=True)
        self.write()

    def configuration(self, name, batch, rows):
        try:
            path, model = export(name, self.cache)
            x, file = input_for(name, path, batch, self.cache)
        except Exception as error:  # one model that a peer cannot export must not end the run
            self.add(Result(name, batch, "forward", "", note=f"not run: {error}".splitlines()[0]))
            return
        processes = {}

        def ours(convention):
            if convention not in processes:
                processes[convention] = peers.Onnxray(self.options.onnxray, path, file, self.options.threads, convention)
            return processes[convention]

        if self.wants("forward"):
            self.guard(name, batch, "forward", "ort >= 0.95", lambda r: self.forward(r, ours("signxai"), path, model, x))
        for row in rows:
            # One process at a time, so that memory stays small.
            for convention in [c for c in processes if c != row.convention]:
                processes.pop(convention).close()
            self.guard(name, batch, row.name, row.target, lambda r: self.row(r, row, ours(row.convention), model, x), row.against)
            if row.convention in processes and processes[row.convention].process.poll() is not None:
                del processes[row.convention]
        for process in processes.values():
            process.close()

    def wants(self, row):
        return not self.options.rows or row in self.options.rows

    def guard(self, name, batch, row, target, work, against=""):
        result = Result(name, batch, row, target, against)
        if self.late():
            result.note = "not run: out of time"
        else:
            try:
                work(result)
            except Exception as error:
                result.note = f"failed: {type(error).__name__}: {error}".splitlines()[0][:200]
        self.add(result)

    def forward(self, result, ours, path, model, x):
        runtime = peers.ort_forward(path, x, self.options.threads)
        error = difference(ours.values("forward"), runtime())
        result.facts = {"difference": error}
        if error > 1e-3:
            result.note = f"outputs differ by {error:.1e}: not timed"
            return
        result.facts.update(ours.run("forward"))
        contestants = {"onnxray": lambda: ours.run("forward")["ms"], "ort": lambda: peers.timed(runtime)}
        if model is not None:
            contestants["torch"] = lambda work=peers.torch_forward(model, x): peers.timed(work)
            contestants["torch"]()
        times = take_rounds(contestants, self.options.seconds, 50)
        fill(result, times, {"ort": "ort", "torch": "torch"})

    def row(self, result, row, ours, model, x):
        contestants = {"onnxray": lambda: ours.run(row.method)["ms"], "forward": lambda: ours.run("forward")["ms"]}
        if row.peer is not None and model is not None:
            theirs = row.peer(model, x)
            error = difference(ours.values(row.method), theirs())  # which warms it up too
            result.facts["difference"] = error
            if error > row.tolerance:
                result.note = f"maps differ by {error:.1e}: not compared"
            else:
                contestants[row.against] = lambda: peers.timed(theirs)
        ours.run("forward")
        result.facts.update(ours.run(row.method))
        times = take_rounds(contestants, self.options.seconds, 15)
        fill(result, times, {"forward": "own forward", row.against: row.against})

    def memory(self, name, batch):
        """Growth over the loaded model of one EpsilonPlus, each program in a process of its own."""
        def work(result):
            path, _ = export(name, self.cache)
            _, file = input_for(name, path, batch, self.cache)
            process = peers.Onnxray(self.options.onnxray, path, file, self.options.threads, "zennit")
            result.facts = process.run("lrp:composite=epsilon_plus")
            process.close()
            answer = subprocess.run([sys.executable, __file__, "--zennit-growth", name, "--batch", str(batch), "--cache",
                                     self.options.cache, "--threads", str(self.options.threads)],
                                    check=True, capture_output=True, text=True)
            theirs = int(answer.stdout.split()[-1])
            result.facts["zennit_peak_bytes"] = theirs
            share = result.facts["peak_bytes"] / theirs
            result.note = (f"grows by {result.facts['peak_bytes'] / 1e6:.0f} MB (planned "
                           f"{result.facts['planned_bytes'] / 1e6:.0f}), zennit {theirs / 1e6:.0f} MB: {share:.2f} of it")

        self.guard(name, batch, "memory", "<= 0.33", work)

    def write(self):
        if self.options.json:
            everything = {"machine": machine(self.options), "results": [vars(r) for r in self.results]}
            Path(self.options.json).write_text(json.dumps(everything, indent=1))
        if self.options.markdown:
            Path(self.options.markdown).write_text(markdown(self.results, machine(self.options)))


def spread(values):
    low, median, high = values
    return f"{median:.2f} ({low:.2f}-{high:.2f})"


def line(r):
    text = f"{r.model:<16} b{r.batch:<3} {r.row:<24}"
    if "onnxray" in r.times:
        text += f" {r.times['onnxray'][1]:10.2f} ms"
    for name, values in r.ratios.items():
        text += f"  {name} {spread(values)}"
    return text + (f"  target {r.target}" if r.target else "") + (f"  [{r.note}]" if r.note else "")


def markdown(results, about):
    lines = [", ".join(f"{k} {v}" for k, v in about.items()), "",
             "| model | batch | work | onnxray ms | / own forward | peer | peer / onnxray | target | note |",
             "|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        own = spread(r.ratios["own forward"]) if "own forward" in r.ratios else ""
        others = [(k, spread(v)) for k, v in r.ratios.items() if k != "own forward"]
        ms = f"{r.times['onnxray'][1]:.1f}" if "onnxray" in r.times else ""
        lines.append(f"| {r.model} | {r.batch} | {r.row} | {ms} | {own} | {', '.join(k for k, _ in others)} | "
                     f"{', '.join(v for _, v in others)} | {r.target} | {r.note} |")
    return "\n".join(lines) + "\n"


def cpu_name():
    for row in Path("/proc/cpuinfo").read_text().splitlines():
        if row.startswith("model name"):
            return row.split(":", 1)[1].strip()
    return platform.processor()


def machine(options):
    packages = {p: metadata.version(p) for p in ("torch", "onnxruntime", "zennit", "captum")}
    version = subprocess.run([options.onnxray, "--version"], capture_output=True, text=True).stdout
    return {"date": datetime.date.today().isoformat(), "cpu": cpu_name(), "threads": options.threads,
            "load": round(os.getloadavg()[0], 1), "onnxray": " ".join(version.split("\n")[:2]), **packages}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnxray", default=str(ROOT / "build" / "release" / "onnxray"))
    parser.add_argument("--quick", action="store_true",
                        help="resnet50 and vgg16 at batches 1 and 8, the others forward only; at most 15 minutes")
    parser.add_argument("--models", nargs="*", choices=MODELS, default=MODELS)
    parser.add_argument("--batches", nargs="*", type=int, default=[1, 8, 32])
    parser.add_argument("--rows", nargs="*", choices=["forward", "memory", *[r.name for r in ROWS]])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="rounds of a row go on so long (at least two rounds)")
    parser.add_argument("--minutes", type=float, help="rows that would start later are left out")
    parser.add_argument("--cache", default=os.path.expanduser("~/.cache/onnxray-bench"), help="where models go")
    parser.add_argument("--json"), parser.add_argument("--markdown")
    parser.add_argument("--zennit-growth", choices=TORCHVISION, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=8, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.seconds = options.seconds or (4 if options.quick else 15)
    options.minutes = options.minutes or (14 if options.quick else 240)
    return options


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    if options.zennit_growth:
        cache = Path(options.cache)
        path, model = export(options.zennit_growth, cache)
        x, _ = input_for(options.zennit_growth, path, options.batch, cache)
        print(peers.growth_in_bytes(peers.zennit(model, x, "EpsilonPlus")))
        return
    bench = Bench(options)
    rows = [r for r in ROWS if bench.wants(r.name)]
    # In a quick run what is short comes first.
    heavy = ("resnet50", "vgg16")
    models = sorted(options.models, key=lambda m: m in heavy) if options.quick else options.models
    if options.quick and bench.wants("memory"):
        bench.memory("vgg16", 8)
    for name in models:
        for batch in [b for b in options.batches if not options.quick or b <= 8]:
            chosen = rows
            if options.quick:
                short = [r for r in rows if not r.loop or (name, batch) == ("resnet50", 1)]
                chosen = short if name in heavy else []
            bench.configuration(name, batch, chosen)
    if not options.quick and bench.wants("memory"):
        bench.memory("vgg16", 8)


if __name__ == "__main__":
    main()
