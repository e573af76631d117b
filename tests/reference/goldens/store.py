"""Where the generators put what they compute: NAME.json lists the cases, NAME.npz holds the arrays.

A case says which model (an .onnx file beside it), method, convention, parameters and target onnxray is asked for, which
array it should give, and by how much the framework's own float32 result differs from its double one: that is the
yardstick for a float32 engine, since a relevance map can be ill-conditioned.
"""
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "suite_reference" / "data"


def error(a, b):
    """max|a-b| / max|b| of the worst sample."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    a, b = a.reshape(a.shape[0], -1), b.reshape(b.shape[0], -1)
    largest = np.abs(b).max(1)
    difference = np.abs(a - b).max(1)
    return float(np.max(np.where(difference == 0, 0, difference / np.where(largest == 0, 1, largest))))


class Store:
    def __init__(self, name, about):
        self.name, self.about = name, about
        self.arrays, self.cases = {}, []

    def array(self, key, value, dtype=np.float32):
        self.arrays[key] = np.ascontiguousarray(np.asarray(value), dtype=dtype)

    def add(self, model, reference, method, double, single=None, **options):
        """`double`, `single`: what the framework computes in either precision. Options: convention, parameters, target,
        noise, baseline, at."""
        double = np.asarray(double)
        assert np.isfinite(double).all(), (model, method)
        key = str(len(self.cases))
        self.array(key, double)
        case = {"model": model, "reference": reference, "method": method, "array": key}
        if single is not None:
            case["float32"] = float(f"{error(single, double):.2g}")
        case.update(options)
        self.cases.append(case)

    def write(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(FOLDER / f"{self.name}.npz", **self.arrays)
        rows = ",\n".join("  " + json.dumps(case) for case in self.cases)
        (FOLDER / f"{self.name}.json").write_text(
            '{"about": %s,\n "cases": [\n%s\n]}\n' % (json.dumps(self.about), rows))
        size = (FOLDER / f"{self.name}.npz").stat().st_size
        worst = max((c.get("float32", 0), c["model"], c["method"]) for c in self.cases)
        print(f"{self.name}: {len(self.cases)} cases, {size / 1e6:.2f} MB, worst float32 {worst}")
