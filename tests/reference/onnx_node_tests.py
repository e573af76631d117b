"""Runs the node tests of the newest ONNX through onnxray and counts them by opset.

    pip install onnx
    python tests/reference/onnx_node_tests.py build/release/tests/test_suite_onnx [--keep FOLDER]

The tests come with the Python package `onnx`, which makes their data when asked. Each becomes a folder in the form
of ONNX's backend test data, which the suite's own runner reads.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test import loader


def to_proto(value, info):
    if isinstance(value, onnx.TensorProto):
        return value
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    return numpy_helper.from_array(np.asarray(value), info.name)


def write_case(case, folder):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for i, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{i}"
        data.mkdir()
        for kind, values, infos in [("input", inputs, case.model.graph.input),
                                    ("output", outputs, case.model.graph.output)]:
            for j, (value, info) in enumerate(zip(values, infos)):
                (data / f"{kind}_{j}.pb").write_bytes(to_proto(value, info).SerializeToString())


def write_cases(root):
    opsets = {}
    for case in loader.load_model_tests(kind="node"):
        write_case(case, root / "node" / case.name)
        versions = {o.domain: o.version for o in case.model.opset_import}
        opsets["node/" + case.name] = versions.get("", versions.get("ai.onnx", 0))
    return opsets


def run(binary, root, backend):
    status = root / f"status_{backend}.txt"
    subprocess.run([binary, "[.write]"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "ONNXRAY_ONNX_TESTDATA": str(root), "ONNXRAY_WRITE_STATUS": str(status),
                        "ONNXRAY_SUITE_BACKEND": backend})
    lines = [line for line in status.read_text().splitlines() if line and not line.startswith("#")]
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--keep", help="an empty folder for the cases, which then stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(options.keep or temporary)
        opsets = write_cases(root)
        results = {backend: run(options.binary, root, backend) for backend in ("reference", "onednn")}
    reference, onednn = results["reference"], results["onednn"]
    counts = collections.defaultdict(lambda: [0, 0, 0])
    reasons = collections.Counter()
    for name, opset in opsets.items():
        counts[opset][0] += 1
        counts[opset][1] += reference[name] == "pass"
        counts[opset][2] += onednn[name] == "pass"
        if reference[name] != "pass":
            reasons[reference[name].removeprefix("skip ")] += 1
        if reference[name] not in (onednn[name], "float32"):
            print(f"! {name}: reference {reference[name]}, onednn {onednn[name]}")
    total = [sum(column) for column in zip(*counts.values())]
    print(f"onnx {onnx.__version__}: {total[0]} node tests; reference {total[1]}, onednn {total[2]} pass\n")
    print("| opset | tests | reference | onednn |\n|---|---|---|---|")
    for opset in sorted(counts):
        print("| {} | {} | {} | {} |".format(opset, *counts[opset]))
    print("\n| refused because | tests |\n|---|---|")
    for reason, count in reasons.most_common():
        print(f"| {reason} | {count} |")


if __name__ == "__main__":
    main()
