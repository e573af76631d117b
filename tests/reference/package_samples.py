"""Ordinary inputs for the models of package_table.py: pictures that scikit-image ships, sound made here, words, tables, graphs."""
import json
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SAMPLES = "scikit-image==0.26.0"
RATE = 16000


class Store:
    """The unpacked packages: `store/PACKAGE/...`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def path(self, package, file):
        return self.folder / package.partition("==")[0] / file

    def json(self, package, file):
        return json.loads(self.path(package, file).read_text(encoding="utf-8"))

    def picture(self, name, size=None, box=None):
        """RGB of a sample image, cut to `box`, in `size` = (width, height)."""
        image = Image.open(self.path(SAMPLES, f"skimage/data/{name}")).convert("RGB")
        image = image.crop(box) if box else image
        return image.resize(size, Image.BILINEAR) if size else image


def floats(x):
    return np.ascontiguousarray(x, np.float32)


def nchw(image, scale=1 / 255, mean=0.0, std=1.0):
    return floats(((np.asarray(image, np.float32) * scale - mean) / std).transpose(2, 0, 1)[None])


def nhwc(image, scale=1.0, offset=0.0):
    return floats(np.asarray(image, np.float32)[None] * scale + offset)


IMAGENET = dict(mean=np.array([0.485, 0.456, 0.406]), std=np.array([0.229, 0.224, 0.225]))


def captcha(text, size, seed=0, noise=24):
    """Dark slanted glyphs on a light, lined ground."""
    r = np.random.default_rng(seed)
    width, height = size
    image = Image.new("RGB", size, (244, 244, 240))
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        draw.line([tuple(r.integers(0, size)) for _ in range(2)], fill=tuple(int(v) for v in r.integers(120, 200, 3)))
    for i, glyph in enumerate(text):
        cell = Image.new("L", (height, height), 0)
        ImageDraw.Draw(cell).text((height * 0.2, height * 0.02), glyph, fill=255, font=ImageFont.load_default(size=int(0.72 * height)))
        cell = cell.rotate(float(r.uniform(-14, 14)))
        image.paste(tuple(int(v) for v in r.integers(10, 90, 3)), (int((i + 0.35) * width / (len(text) + 0.4)), 0), cell)
    noisy = np.asarray(image, np.float32) + r.normal(0, noise / 4, (height, width, 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


# Sound.

def voice(seconds, rate=RATE, seed=0):
    """Syllables: a pulse train with a falling pitch through three moving formants, pauses, a floor of noise."""
    r = np.random.default_rng(seed)
    n = int(seconds * rate)
    t = np.arange(n) / rate
    pitch = 140 - 25 * t / max(seconds, 1e-9) + 6 * np.sin(2 * np.pi * 3 * t)
    phase = np.cumsum(pitch) / rate
    harmonics = [(k, np.exp(-k / 14)) for k in range(1, 30)]
    formants = np.stack([500 + 250 * np.sin(2 * np.pi * 1.7 * t), 1500 + 500 * np.sin(2 * np.pi * 2.3 * t + 1), 2600 + 200 * np.sin(2 * np.pi * 1.1 * t)])
    x = np.zeros(n)
    for k, weight in harmonics:
        gain = sum(np.exp(-((k * pitch - f) / w) ** 2) for f, w in zip(formants, (120, 180, 250)))
        x += weight * (0.05 + gain) * np.sin(2 * np.pi * k * phase)
    envelope = np.clip(np.sin(2 * np.pi * 2.2 * t), 0, 1) ** 0.6
    return floats(0.3 * x / max(np.abs(x).max(), 1e-9) * envelope + r.normal(0, 1e-3, n))


def notes(n, rate):
    """A rising triad, three harmonics each."""
    t = np.arange(n) / rate
    pitch = np.array([220, 277.18, 329.63])[np.minimum((3 * np.arange(n)) // n, 2)]
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    return floats(0.2 * sum(np.sin(k * phase) / k for k in (1, 2, 3)) + np.random.default_rng(0).normal(0, 1e-3, n))


def spectrogram(x, window, hop, size=None):
    """|STFT|, [frames, bins], Hann."""
    frames = 1 + (len(x) - window) // hop
    cut = np.stack([x[i * hop:i * hop + window] for i in range(frames)]) * np.hanning(window)
    return np.abs(np.fft.rfft(cut, size or window))


def mel(x, bands, window, hop, size=None, rate=RATE):
    """Power in triangular bands, equally wide in mel."""
    s = spectrogram(x, window, hop, size) ** 2
    to_hz = lambda m: 700 * (10 ** (m / 2595) - 1)
    edges = to_hz(np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), bands + 2))
    f = np.linspace(0, rate / 2, s.shape[1])
    rising, falling = [(f - edges[:-2, None]) / np.diff(edges)[:-1, None], (edges[2:, None] - f) / np.diff(edges)[1:, None]]
    return s @ np.clip(np.minimum(rising, falling), 0, None).T


def decibels(power):
    """As the speech quality models want it: (dB below the maximum, floored at -80, + 40) / 40."""
    db = 10 * np.log10(np.maximum(power / power.max(), 1e-8))
    return floats((db + 40) / 40)


def rhythm(seconds, rate, seed=0):
    """An EEG-like trace: 1/f noise, a spindle at 13 Hz in its middle."""
    r = np.random.default_rng(seed)
    n = int(seconds * rate)
    spectrum = np.fft.rfft(r.normal(size=n)) / np.maximum(np.arange(n // 2 + 1), 8) ** 0.8
    x = np.fft.irfft(spectrum, n)
    t = np.arange(n) / rate
    spindle = np.sin(2 * np.pi * 13 * t) * np.exp(-((t - seconds / 2) / 0.4) ** 2)
    return x / x.std() + 4 * spindle


# Ids, tables, graphs.

def ids_of(text, table, unknown=1):
    return np.array([[table.get(c, unknown) for c in text]], np.int64)


def table(rows, columns, seed=0, kind=np.float32):
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(kind)


def ring(n):
    """Edges of a ring with a tail, both ways, [2, E]."""
    there = [(i, (i + 1) % (n - 2)) for i in range(n - 2)] + [(0, n - 2), (n - 2, n - 1)]
    return np.array(there + [(b, a) for a, b in there], np.int64).T


def walk_features(edges, n, eigen=8, steps=16):
    """Eigenvectors and values of the graph's Laplacian, and the probabilities that a random walk is back after k steps."""
    a = np.zeros((n, n))
    a[edges[0], edges[1]] = 1
    degree = a.sum(1)
    values, vectors = np.linalg.eigh(np.eye(n) - a / np.sqrt(np.outer(degree, degree)))
    walk, power, back = a / degree[:, None], np.eye(n), []
    for _ in range(steps):
        power = power @ walk
        back.append(np.diag(power))
    return floats(vectors[:, :eigen]), floats(np.tile(values[:eigen], (n, 1))), floats(np.stack(back, 1))
