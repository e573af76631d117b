"""Fashion-MNIST (Debian package dataset-fashion-mnist) and what its two training scripts share."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
LABELS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
MEAN, STD = 0.2860, 0.3530  # of the training images, after division by 255


def read_idx(name):
    raw = gzip.decompress((DATA / name).read_bytes())
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(split):
    """The images (n, 28, 28) and labels (n,) of "train" or "t10k", as bytes."""
    return read_idx(f"{split}-images-idx3-ubyte.gz"), read_idx(f"{split}-labels-idx1-ubyte.gz")


def normalise(images):
    return (images.astype(np.float32) / 255 - MEAN) / STD


def accuracy(predicted, labels):
    return float(np.mean(np.argmax(predicted, axis=1) == labels))


def write_sidecar(model, layout):
    """The preprocessing and labels that onnxray reads beside the model."""
    sidecar = {"layout": layout, "color": "gray", "resize": [28, 28], "crop": None, "scale": 1 / 255,
               "mean": [MEAN], "std": [STD], "labels": LABELS}
    (HERE / f"{model}.json").write_text(json.dumps(sidecar, indent=2) + "\n")


def write_samples(predict, add_axis, suffix):
    """For six classes, the first test image that the model classifies rightly: .png, and .npy in its layout."""
    images, labels = load("t10k")
    names = {9: "ankle_boot", 2: "pullover", 1: "trouser", 3: "dress", 5: "sandal", 8: "bag"}
    folder = HERE / "samples"
    folder.mkdir(exist_ok=True)
    for label, name in names.items():
        candidates = np.flatnonzero(labels == label)[:20]
        x = np.expand_dims(normalise(images[candidates]), add_axis)
        right = np.argmax(predict(x), axis=1) == label
        first = int(np.argmax(right))
        Image.fromarray(images[candidates[first]]).save(folder / f"fashion_{name}.png")
        np.save(folder / f"fashion_{name}_{suffix}.npy", x[first:first + 1])
