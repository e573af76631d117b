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
SAMPLES = {"ankle_boot": 0, "pullover": 1, "trouser": 2, "dress": 13, "sandal": 8, "bag": 18}  # test images


def read_idx(name):
    raw = gzip.decompress((DATA / name).read_bytes())
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(split):
    """The images (n, 28, 28) and labels (n,) of "train" or "t10k", as bytes."""
    return read_idx(f"{split}-images-idx3-ubyte.gz"), read_idx(f"{split}-labels-idx1-ubyte.gz")


def normalise(images):
    """To [0, 1]. No mean is subtracted: the background stays exactly 0 and gets no share of what is proportional to x."""
    return images.astype(np.float32) / 255


def accuracy(predicted, labels):
    return float(np.mean(np.argmax(predicted, axis=1) == labels))


def write_sidecar(model, layout):
    """The preprocessing and labels that onnxray reads beside the model."""
    sidecar = {"layout": layout, "color": "gray", "resize": [28, 28], "scale": 1 / 255, "labels": LABELS}
    (HERE / f"{model}.json").write_text(json.dumps(sidecar, indent=2) + "\n")


def write_samples(predict, channel_axis, suffix):
    """Six test images as .png, and as .npy in the model's layout."""
    images, labels = load("t10k")
    folder = HERE / "samples"
    folder.mkdir(exist_ok=True)
    for name, index in SAMPLES.items():
        Image.fromarray(images[index]).save(folder / f"fashion_{name}.png")
        x = np.expand_dims(normalise(images[index:index + 1]), channel_axis)
        np.save(folder / f"fashion_{name}_{suffix}.npy", x)
        print(f"sample {name}: {LABELS[labels[index]]}, predicted {LABELS[np.argmax(predict(x))]}")
