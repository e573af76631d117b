#!/usr/bin/env python3
"""Explains trained models that come with PyPI packages: PP-OCR (rapidocr-onnxruntime), magika, silero-vad.

    pip install --no-deps rapidocr-onnxruntime magika silero-vad; pip install onnxruntime numpy pillow
    python3 tests/reference/trained_models.py [--command build/release/onnxray] [--picture docs/images/ocr_rotation.png]

For each model the forward pass is compared with ONNX Runtime (relative to the largest entry of each output), explanations are
checked to be finite, and a number says whether they look where they should:
  PP-OCR       the share of |attribution| within 2 pixels of ink, and the share of the image that this is
  magika       the share of |attribution| on the file's own bytes (not on padding)
  silero-vad   the share of |attribution| on the second half of a window whose first half is quiet
Exit code 1 where a forward pass differs by more than 1e-4 or an explanation is not finite. The picture shows the classifier of
text direction on a line that was rendered here, upright and turned by 180 degrees.
"""
import argparse
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageFont

TOLERANCE = 1e-4
METHODS = ["gradient", "integrated_gradients:ig_quadrature=midpoint", "lrp_epsilon_0_1", "lrp:composite=epsilon_plus"]


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).submodule_search_locations[0])


def text_line(text, height, width, turned=False):
    """Black on white; values 0 ... 255, [height, width]."""
    image = Image.new("L", (width, height), 255)
    font = ImageFont.load_default(size=int(0.62 * height))
    left, top, right, bottom = font.getbbox(text)
    ImageDraw.Draw(image).text(((width - right - left) / 2, (height - bottom - top) / 2), text, fill=0, font=font)
    return image.rotate(180) if turned else image


def ocr_input(image):
    """As PP-OCR wants it: (v / 255 - 0.5) / 0.5, three equal channels."""
    plane = (np.asarray(image, np.float32) / 255 - 0.5) / 0.5
    return np.repeat(plane[None, None], 3, axis=1)


def near_ink(image):
    """Pixels within 2 of a dark one."""
    dark = np.asarray(image) < 128
    padded = np.pad(dark, 2)
    return np.any([padded[i:i + dark.shape[0], j:j + dark.shape[1]] for i in range(5) for j in range(5)], axis=0)


def share(attribution, places):
    total = np.abs(attribution).sum()
    return f"{(np.abs(attribution) * places).sum() / total:.2f}" if total > 0 else "all zero"


class Runner:
    def __init__(self, command):
        self.command, self.failed = command, 0

    def onnxray(self, *arguments):
        done = subprocess.run([self.command, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-400:])

    def check(self, label, model, feed, explained, judge, options=()):
        """Compares, explains and prints one row. `judge` maps an attribution to a share."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            arguments = []
            for i, (name, value) in enumerate(feed.items()):
                np.save(folder / f"{i}.npy", value)
                arguments += ["-i", f"{name}={folder}/{i}.npy"]
            session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
            expected = session.run(None, feed)
            self.onnxray("run", model, *arguments, "-o", folder / "y.npz")
            found = np.load(folder / "y.npz")
            forward = max(float(np.abs(found[o.name] - e).max() / np.abs(e).max()) for o, e in zip(session.get_outputs(), expected))
            self.failed += forward > TOLERANCE
            print(f"| {label} | {forward:.1e} |", end="")
            for method in METHODS:
                self.onnxray("explain", model, *arguments, "-m", method, "-o", folder / "a.npz", *options)
                maps = np.load(folder / "a.npz")
                key = next((k for k in maps.files if k == method or k == f"{method}:{explained}"), maps.files[0])
                self.failed += not np.isfinite(maps[key]).all()
                print(f" {judge(maps[key])} |" if np.isfinite(maps[key]).all() else " not finite |", end="", flush=True)
            print()


def check_ocr(runner):
    models = package("rapidocr_onnxruntime") / "models"
    for label, file, text, height, width in (
            ("PP-OCR direction classifier", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "Quick brown fox", 48, 192),
            ("PP-OCRv4 recogniser", "ch_PP-OCRv4_rec_infer.onnx", "Quick brown", 48, 160),
            ("PP-OCRv4 detector", "ch_PP-OCRv4_det_infer.onnx", "Quick", 64, 128)):
        image = text_line(text, height, width, turned="classifier" in label)
        places = near_ink(image)
        label += f" (near ink: {places.mean():.2f} of the image)"
        runner.check(label, models / file, {"x": ocr_input(image)}, "x", lambda a, p=places: share(a, p))


def check_magika(runner):
    data = b"#include <stdio.h>\nint main(void) { for (int i = 0; i < 3; ++i) printf(\"%d\\n\", i); return 0; }\n" * 4
    tokens = np.full((1, 2048), 256, np.int32)  # 256 pads
    tokens[0, :1024][:len(data)] = list(data)
    tokens[0, 2048 - len(data):] = list(data)
    places = (tokens[0] != 256)[None, :, None]
    one_hot = "jax2tf_get_logits_/pjit_get_logits_/pjit__one_hot_/Cast_1"
    runner.check(f"magika on C source (own bytes: {places.mean():.2f} of the tokens)",
                 package("magika") / "models/standard_v3_3/model.onnx", {"bytes": tokens}, "", lambda a: share(a * (a != 0), places),
                 ("--at", one_hot))


def check_silero(runner):
    time = np.arange(576) / 16000
    tone = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    # A noise floor: at exact silence the magnitude of a spectrum has no gradient (nor has it in PyTorch).
    floor = np.random.default_rng(0).normal(0, 1e-3, 576)
    x = (0.2 * tone * (time > time[288]) + floor).astype(np.float32)[None]
    feed = {"input": x, "state": np.zeros((2, 1, 128), np.float32), "sr": np.array(16000, np.int64)}
    places = (np.arange(576) >= 288)[None]
    runner.check("silero-vad on half a window of voice", package("silero_vad") / "data/silero_vad.onnx", feed, "input",
                 lambda a: share(a, places), ("--keep-softmax",))


def draw(command, path):
    """The direction classifier's maps of both directions, one above the other, through onnxray's own pictures."""
    model = package("rapidocr_onnxruntime") / "models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
    strips = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "p.json").write_text(json.dumps({"layout": "NCHW", "color": "RGB", "scale": 1 / 255, "mean": [0.5] * 3, "std": [0.5] * 3,
                                                   "labels": ["upright", "turned"]}))
        for turned in (False, True):
            text_line("Quick brown", 48, 192, turned).convert("RGB").save(folder / "line.png")
            done = subprocess.run([command, "explain", model, "-i", folder / "line.png", "--preprocess", folder / "p.json",
                                   "-m", "integrated_gradients:ig_quadrature=midpoint", "-m", "lrp:composite=epsilon_plus", "--picture", folder / "map.png"],
                                  capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stderr)
            print(done.stdout)
            strips.append(Image.open(folder / "map.png").convert("RGB"))
    sheet = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)), "white")
    for i, strip in enumerate(strips):
        sheet.paste(strip, (0, sum(s.height for s in strips[:i])))
    sheet.save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="build/release/onnxray")
    parser.add_argument("--picture", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.picture:
        return draw(arguments.command, arguments.picture)
    print("| model | forward |", " | ".join(f"`{m}`" for m in METHODS), "|\n|" + "---|" * (2 + len(METHODS)))
    runner = Runner(arguments.command)
    for check in (check_ocr, check_magika, check_silero):
        check(runner)
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
