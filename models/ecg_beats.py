"""Synthetic ECG beats, and the detector and rule that the real strip is compared with. Needs numpy only."""

import numpy as np

RATE = 360  # samples per second, as in the MIT-BIH database
LENGTH = 512  # samples of a window
CENTRE = 256  # where the beat's R peak lies in its window
LABELS = ["normal", "ventricular"]
NORMAL, VENTRICULAR = 0, 1


def wave(time, centre, width, height):
    """A Gaussian bump; width is its standard deviation in seconds."""
    return height * np.exp(-0.5 * ((time - centre) / width) ** 2)


def normal_shape(random):
    """Centre, width and height of P, Q, R, S and T; one shape serves all the normal beats of a window."""
    u = random.uniform
    t_sign = -1 if u() < 0.15 else 1
    return [(u(-0.20, -0.12), u(0.015, 0.03), u(0.03, 0.25)),
            (u(-0.035, -0.02), u(0.006, 0.012), -u(0.0, 0.25)),
            (0.0, u(0.008, 0.017), u(0.7, 1.8)),
            (u(0.02, 0.04), u(0.008, 0.016), -u(0.0, 0.7)),
            (u(0.20, 0.34), u(0.03, 0.06), t_sign * u(0.05, 0.45))]


def ventricular_shape(random):
    """A wide QRS of two overlapping bumps, no P, and a T of the opposite sign."""
    u = random.uniform
    sign = 1 if u() < 0.65 else -1
    second = u(-0.9, 0.7)
    return [(0.0, u(0.025, 0.05), sign * u(0.7, 2.2)),
            (u(0.05, 0.11), u(0.02, 0.045), sign * second),
            (u(0.26, 0.38), u(0.045, 0.09), -sign * u(0.2, 0.8))]


def beats_around(random, label):
    """Times and labels of seven beats; the one in the middle, at time 0, has the asked label."""
    u = random.uniform
    rr = u(0.5, 1.0)
    labels = [VENTRICULAR if u() < 0.25 else NORMAL for _ in range(7)]
    labels[3] = label
    gaps = []
    for before, after in zip(labels, labels[1:]):
        gap = rr * u(0.92, 1.08)
        if after == VENTRICULAR or u() < 0.05:  # a few normal beats come early too
            gap = rr * u(0.5, 0.85)
        elif before == VENTRICULAR:
            gap = rr * u(1.0, 1.5)
        gaps.append(gap)
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    return times - times[3], labels


def disturb(random, time, signal):
    """Gain, polarity, offset, baseline wander, mains hum and noise, in mV."""
    u = random.uniform
    signal = signal * u(0.5, 1.4) * (-1 if u() < 0.1 else 1) + u(-0.4, 0.4)
    for _ in range(2):
        signal = signal + u(0.0, 0.2) * np.sin(2 * np.pi * (u(0.1, 0.6) * time + u()))
    signal = signal + u(0.0, 0.03) * np.sin(2 * np.pi * (60 * time + u()))
    return signal + random.normal(0.0, u(0.005, 0.06), len(time))


def synthetic_window(random, label):
    times, labels = beats_around(random, label)
    shapes = [normal_shape(random), ventricular_shape(random)]
    shift = random.uniform(-0.03, 0.03)  # detectors are not exact
    time = (np.arange(LENGTH) - CENTRE) / RATE - shift
    signal = np.zeros(LENGTH)
    for at, kind in zip(times, labels):
        for centre, width, height in shapes[kind]:
            signal += wave(time - at, centre, width, height)
    return disturb(random, time, signal)


def synthetic(count, seed):
    """Windows (count, 1, LENGTH) in mV and their labels, half of each kind."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    windows = np.stack([synthetic_window(random, label) for label in labels])
    return windows[:, None].astype(np.float32), labels
