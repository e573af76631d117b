"""The real ECG: reading SciPy's excerpt of MIT-BIH record 208, finding its beats, and a rule to compare with."""

from pathlib import Path

import numpy as np

from ecg_beats import CENTRE, LENGTH, NORMAL, RATE, VENTRICULAR

# Where Debian's python3-scipy keeps the excerpt (five minutes, 360 Hz).
RECORD = Path("/usr/lib/python3/dist-packages/scipy/misc/ecg.dat")


def read_record(path=RECORD):
    """The signal in mV: 11-bit samples, 200 steps per mV, zero at 1024."""
    with np.load(path) as archive:
        return (archive["ecg"].astype(np.float64) - 1024) / 200


def moving_mean(x, seconds):
    width = max(1, int(seconds * RATE))
    return np.convolve(x, np.ones(width) / width, mode="same")


def find_beats(signal):
    """Samples of the R peaks: maxima of the slope's energy, 0.25 s apart, above a share of their neighbourhood's."""
    energy = moving_mean(np.gradient(signal) ** 2, 0.1)
    peaks = []
    refractory = int(0.25 * RATE)
    for start in range(0, len(signal), refractory):
        at = start + int(np.argmax(energy[start:start + refractory]))
        window = energy[max(0, at - refractory):at + refractory + 1]
        around = energy[max(0, at - 2 * RATE):at + 2 * RATE]
        if energy[at] == window.max() and energy[at] > 0.2 * around.max() and (not peaks or at - peaks[-1] > refractory):
            peaks.append(at)
    centred = signal - moving_mean(signal, 0.6)
    reach = int(0.08 * RATE)
    return [int(p - reach + np.argmax(np.abs(centred[max(0, p - reach):p + reach]))) for p in peaks if p > reach]


def qrs_width(signal, peak):
    """Seconds around the peak during which the smoothed slope stays above a fifth of its largest."""
    reach = int(0.13 * RATE)
    slope = moving_mean(np.abs(np.gradient(signal[max(0, peak - reach):peak + reach])), 0.02)
    steep = np.flatnonzero(slope > 0.2 * slope.max())
    return (steep[-1] - steep[0]) / RATE


def rule_labels(signal, peaks, premature=False):
    """A beat is called ventricular where its QRS is wide, at least 120 ms (Surawicz et al., Circulation 119:e235, 2009),
    and, with `premature`, its RR interval is at least 20 % shorter than the mean of the last five sinus intervals (the
    filter of heart rate turbulence: Schmidt et al., Lancet 353:1390, 1999; librasch.org/hrt/en/calc.html). A sinus
    interval lies between two beats that the rule calls normal; a beat with fewer than five behind it counts as normal."""
    intervals = np.diff(peaks, prepend=peaks[0]) / RATE
    sinus, labels = [], []
    for i, peak in enumerate(peaks):
        early = not premature or (len(sinus) >= 5 and intervals[i] <= 0.8 * np.mean(sinus[-5:]))
        labels.append(VENTRICULAR if early and qrs_width(signal, peak) >= 0.12 else NORMAL)
        if i > 0 and labels[-1] == NORMAL and labels[-2] == NORMAL:
            sinus.append(intervals[i])
    return np.array(labels)


def windows(signal, peaks):
    """(count, 1, LENGTH) around the beats that have a whole window, and the indices of these beats."""
    whole = [i for i, p in enumerate(peaks) if p >= CENTRE and p - CENTRE + LENGTH <= len(signal)]
    cut = np.stack([signal[peaks[i] - CENTRE:peaks[i] - CENTRE + LENGTH] for i in whole])
    return cut[:, None].astype(np.float32), whole
