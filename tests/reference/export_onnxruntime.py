#!/usr/bin/env python3
"""Runs what `onnxray export` writes in ONNX Runtime and compares with `onnxray explain`.

Needs PyPI's onnx, onnxruntime, numpy, and a built onnxray:

    python3 tests/reference/export_onnxruntime.py [--command build/release/onnxray] [--only REGEX]

For each shipped model and method: the exported model passes ONNX's checker, its first outputs equal `onnxray run` and its
attribution equals `onnxray explain`, both within 1e-4 of the largest entry. Where rules divide by sums that cancel, two
float32 engines may differ by more; then both are compared with `explain --precision double`, and the export may be at most
three times as far from it as `explain` is. Exit code 1 where one is not.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4
MODELS = {
    "fashion_mnist_torch": "fashion_ankle_boot_nchw.npy",
    "fashion_mnist_keras": "fashion_ankle_boot_nhwc.npy",
    "ecg": "ecg_ventricular.csv",
}
METHODS = [
    "gradient", "gradient_x_input", "gradient_x_sign", "gradient_x_sign_mu_0_1", "guided_backprop", "deconvnet",
    "integrated_gradients:steps=8", "integrated_gradients:steps=8,ig_quadrature=gauss_legendre", "occlusion", "grad_cam",
    "guided_grad_cam", "deep_taylor", "lrp_z", "lrp_epsilon_0_1", "lrp_epsilon_0_25_std_x", "lrp_alpha_1_beta_0",
    "lrp_alpha_2_beta_1", "lrp_gamma_0_25", "lrp_z_plus", "lrp_z_plus_fast", "lrp_w_square", "lrp_flat", "lrpz_epsilon_0_1",
    "lrpsign_epsilon_0_1", "w2lrp_epsilon_0_1", "flatlrp_epsilon_0_1", "zblrp_epsilon_0_1:low=-4,high=4",
    "lrp_sequential_composite_a", "lrp_sequential_composite_b", "lrp:composite=epsilon_plus_flat",
    "lrp:composite=epsilon_alpha2_beta1", "lrp:composite=epsilon_gamma_box,low=-4,high=4", "lrp:composite=excitation_backprop",
    "input_t_gradient", "gradient_x_sign_mu_neg_0_5", "guided_backprop_x_sign", "deconvnet_x_input",
    "integrated_gradients:steps=8,ig_quadrature=trapezoid", "smoothgrad:samples=4", "smoothgrad_x_input:samples=4",
    "smoothgrad_squared:samples=4", "vargrad:samples=4", "grad_cam:activation=before,resize=false", "grad_cam_timeseries",
    "deep_taylor:deep_taylor=zplus", "deep_taylor_bounded:low=-4,high=4", "lrpsign_epsilon_0_1_mu_0_5", "lrp:rule=norm",
    "lrp_epsilon_0_1:batchnorm=pass", "lrp_epsilon_0_1:batchnorm=affine_z", "lrp_alpha_2_beta_1:exact_splits=true",
    "lrp:composite=epsilon_plus", "lrp:composite=epsilon_alpha2_beta1_flat", "lrp:composite=guided_backprop",
    "lrp:composite=deconvnet", "lrp:composite=beta_smooth", "lrp:composite=attnlrp", "lrp:composite=cp_lrp",
    "lrp:composite=sequential_preset_a", "lrp:composite=sequential_preset_a_flat", "lrp:composite=sequential_preset_b",
    "lrp:composite=sequential_preset_b_flat", "lrp:composite=sequential_preset_b_flat_until_idx",
]
DRAWS = 4  # of the methods with noise, which is given: no operator of ONNX draws as onnxray does


def onnxray(command, *arguments):
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def relative_error(a, b):
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) if a.shape == b.shape else float("inf")


def noise_options(model, method, folder):
    if not re.match("smoothgrad|vargrad", method):
        return []
    dims = onnx.load(model).graph.input[0].type.tensor_type.shape.dim
    noise = np.random.default_rng(0).normal(0, 0.2, [DRAWS, *(max(d.dim_value, 1) for d in dims)])
    np.save(folder / "noise.npy", noise.astype(np.float32))
    return ["--param", f"noise_file={folder / 'noise.npy'}"]


def compare(command, model, sample, method, folder):
    sample = ROOT / "models/samples" / sample
    how = ["-m", method, *noise_options(model, method, folder)]
    written, map_file, y_file = folder / "explained.onnx", folder / "map.npy", folder / "y.npz"
    onnxray(command, "export", model, "-i", sample, *how, "-o", written)
    onnxray(command, "explain", model, "-i", sample, *how, "-o", map_file)
    onnxray(command, "run", model, "-i", sample, "-o", y_file)
    onnx.checker.check_model(str(written), full_check=True)
    session = onnxruntime.InferenceSession(str(written), providers=["CPUExecutionProvider"])
    x = session.get_inputs()[0]
    array = np.loadtxt(sample, delimiter=",", skiprows=1) if sample.suffix == ".csv" else np.load(sample)
    outputs = session.run(None, {x.name: np.asarray(array, np.float32).reshape(x.shape)})
    outputs = {o.name: value for o, value in zip(session.get_outputs(), outputs)}
    expected = np.load(y_file)
    forward = max(relative_error(outputs[name], expected[name]) for name in expected.files)
    ours, exported = np.load(map_file), outputs["attribution"]
    error, note = relative_error(exported, ours), ""
    if error > TOLERANCE:
        onnxray(command, "explain", model, "-i", sample, *how, "--precision", "double", "-o", map_file)
        exact = np.load(map_file)
        note = f" float32: explain {relative_error(ours, exact):.1e}, exported {relative_error(exported, exact):.1e} from double"
        if relative_error(exported, exact) <= 3 * relative_error(ours, exact):
            error = 0.0
    return forward, error, note, len(onnx.load(written).graph.node)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default=ROOT / "build/release/onnxray")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
    print("| model | method | output | attribution | nodes |\n|---|---|---|---|---|")
    failed = 0
    for name, sample in MODELS.items():
        for method in METHODS:
            if not re.search(arguments.only, f"{name} {method}"):
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    forward, attribution, note, nodes = compare(arguments.command, ROOT / f"models/{name}.onnx", sample, method,
                                                          pathlib.Path(folder))
                    ok = max(forward, attribution) <= TOLERANCE
                    print(f"| {name} | `{method}` | {forward:.1e} | {attribution:.1e} | {nodes} |{note}{'' if ok else ' differs'}", flush=True)
                except Exception as error:
                    ok = False
                    print(f"| {name} | `{method}` | {' '.join(str(error).split())[:300]} |", flush=True)
                failed += not ok
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
