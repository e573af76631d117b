#!/usr/bin/env python3
"""Times onnxray's cudnn backend against torch eager and Zennit on one GPU, in one run.

    python3 bench/compare_gpu.py --onnxray build/release/onnxray --out gpu.json [--batches 1 32 128]

Needs torch, torchvision, onnx and zennit. Models have seeded random weights. Prints one line per model, batch and
method: onnxray's time for a whole call (copies to and from the device included) and on the device alone, the peer's
time with its tensors already on the device, and the distance between the two attributions."""
import argparse
import copy
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch
import torchvision
from zennit import composites

PEERS = {  # our name -> Zennit's composite, or None for autograd
    "gradient": None,
    "lrp:composite=epsilon_plus_flat": composites.EpsilonPlusFlat,
    "lrp:composite=epsilon_alpha2_beta1_flat": composites.EpsilonAlpha2Beta1Flat,
}


def make(name):
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(weights=None).eval()
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                torch.nn.init.normal_(module.bias, std=0.01)
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.8, 1.2)
            torch.nn.init.uniform_(module.weight, 0.3, 0.7)
    return model


def export(model, path):
    torch.onnx.export(model, torch.zeros(1, 3, 224, 224), path, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "n"}, "y": {0: "n"}}, dynamo=False, opset_version=17)


def timed(work, repeats):
    for _ in range(2):
        work()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def torch_gradient(model, x):
    x = x.detach().requires_grad_()
    y = model(x)
    seed = torch.nn.functional.one_hot(y.argmax(1), y.shape[1]).to(y)
    return torch.autograd.grad(y, x, seed)[0]


def zennit_map(folded, composite, x):
    with composite(canonizers=canonizers_of()).context(folded) as changed:
        x = x.detach().requires_grad_()
        y = changed(x)
        seed = torch.nn.functional.one_hot(y.argmax(1), y.shape[1]).to(y)
        return torch.autograd.grad(y, x, seed)[0]


def onnxray_times(command, path, batch, methods, precision):
    call = [command, "bench", path, "--backend", "cudnn", "--precision", precision, "--batch", str(batch), "--json", "--convention", "zennit"]
    for method in methods:
        call += ["-m", method]
    run = subprocess.run(call, capture_output=True, text=True)
    if run.returncode != 0:
        print(f"onnxray failed: {run.stderr.strip()}", flush=True)
        return None
    return json.loads(run.stdout)


def onnxray_map(command, path, x, method, precision, folder):
    np.save(folder / "x.npy", x.cpu().numpy())
    subprocess.run([command, "explain", path, "-i", str(folder / "x.npy"), "-m", method, "--backend", "cudnn", "--convention", "zennit",
                    "--precision", precision, "-o", str(folder / "map.npy")], check=True, capture_output=True)
    return torch.from_numpy(np.load(folder / "map.npy"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--onnxray", default="build/release/onnxray")
    parser.add_argument("--models", nargs="+", default=["resnet50", "vgg16"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32, 128])
    parser.add_argument("--methods", nargs="+", default=list(PEERS) + ["lrp_epsilon_0_1"])
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--out", default="gpu.json")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.precision != "fp32"
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for model_name in args.models:
            model = make(model_name)
            path = str(folder / f"{model_name}.onnx")
            export(model, path)
            model.cuda()
            folded = fold_batchnorm(model)
            for batch in args.batches:
                rows += compare(args, model, folded, path, batch, folder)
                with open(args.out, "w") as out:
                    json.dump({"device": torch.cuda.get_device_name(), "torch": torch.__version__,
                               "precision": args.precision, "rows": rows}, out, indent=1)
            model.cpu()
            del folded
            torch.cuda.empty_cache()


def compare(args, model, folded, path, batch, folder):
    x = torch.randn(batch, 3, 224, 224, device="cuda")
    repeats = 20 if batch == 1 else 5
    rows = []
    for method in args.methods:
        # One process per method: no plan of another holds memory.
        torch.cuda.empty_cache()
        ours = onnxray_times(args.onnxray, path, batch, [method], args.precision)
        if ours is None:
            continue
        if not rows:
            with torch.no_grad():
                forward = 0 if args.no_peers else timed(lambda: model(x), repeats)
            rows.append(report(path, batch, "forward", ours["forward"], forward, None))
        peer, distance = 0, None
        if not args.no_peers and method in PEERS:
            composite = PEERS[method]
            work = ((lambda: torch_gradient(model, x)) if composite is None
                    else (lambda: zennit_map(folded, composite, x)))
            peer = timed(work, repeats)
            if batch == 1:
                expected = work().cpu()
                found = onnxray_map(args.onnxray, path, x, method, args.precision, folder)
                distance = ((found - expected).abs().max() / expected.abs().max()).item()
        rows.append(report(path, batch, method, ours["methods"][0], peer, distance))
    return rows


def canonizers_of():
    """Residual additions as sums. BatchNorm is folded beforehand: Zennit's canonizer sets an epsilon that newer torch
    refuses."""
    from zennit.torchvision import ResNetBasicBlockCanonizer, ResNetBottleneckCanonizer
    return [ResNetBottleneckCanonizer(), ResNetBasicBlockCanonizer()]


def fold_batchnorm(model):
    model = copy.deepcopy(model)
    for parent in list(model.modules()):
        names = list(parent._modules)
        for first, second in zip(names, names[1:]):
            conv, norm = parent._modules[first], parent._modules[second]
            if isinstance(conv, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
                parent._modules[first] = torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
                parent._modules[second] = torch.nn.Identity()
    return model


def report(path, batch, method, ours, peer, distance):
    model = pathlib.Path(path).stem
    device = ours.get("device_ms")
    line = f"{model:10} b{batch:<4} {method:32} onnxray {ours['median_ms']:9.2f} ms"
    line += f"  device {device:9.2f} ms" if device else ""
    line += f"  peer {peer:9.2f} ms  {peer / ours['median_ms']:5.2f}x" if peer else ""
    line += f"  distance {distance:.1e}" if distance is not None else ""
    print(line, flush=True)
    return {"model": model, "batch": batch, "method": method, "onnxray_ms": ours["median_ms"], "device_ms": device,
            "peer_ms": peer, "distance": distance}


if __name__ == "__main__":
    main()
