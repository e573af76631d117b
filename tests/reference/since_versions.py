"""Writes tests/ops/since_versions.txt: which opsets changed each operator of ai.onnx, up to the newest.

    pip install onnx
    python tests/reference/since_versions.py
"""

import pathlib

from onnx import defs

TARGET = pathlib.Path(__file__).resolve().parents[1] / "ops" / "since_versions.txt"


def main():
    versions = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            versions.setdefault(schema.name, set()).add(schema.since_version)
    lines = [f"opset {defs.onnx_opset_version()}"]
    lines += [" ".join([name, *map(str, sorted(since))]) for name, since in sorted(versions.items())]
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
