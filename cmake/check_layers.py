#!/usr/bin/env python3
"""Checks that includes go one way (README.md, 'The house') and that third-party headers stay at the rim."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAY_INCLUDE = {
    "core": {"core"},
    "ops": {"core", "ops"},
    "onnx": {"core", "ops", "onnx"},
    "backward": {"core", "ops", "backward"},
    "rules": {"core", "ops", "backward", "rules"},
    "methods": {"core", "ops", "backward", "rules", "methods"},
    "backends": {"core", "backends"},
    "api": {"core", "ops", "onnx", "backward", "rules", "methods", "backends", "api"},
    "cli": {"api", "cli", "core"},
}
# header -> the one folder that may include it
RIM = {"onnx/onnx_pb.h": "onnx", "oneapi/dnnl": "backends/onednn", "cudnn": "backends/cudnn", "google/protobuf": "onnx"}
# The command line sees of core only what the public header shows, its error helper, and what reads names,
# files and numbers.
CLI_CORE = {"core/assumption.h", "core/difference.h", "core/error.h", "core/fail.h", "core/dtype.h", "core/shape.h", "core/tensor.h", "core/counter_rng.h",
            "core/json_value.h", "core/nearest.h", "core/number_range.h", "core/read_file.h", "core/samples.h"}


def problems(path):
    layer = path.relative_to(ROOT).parts[0]
    for header in re.findall(r'^\s*#include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M):
        for name, home in RIM.items():
            if header.startswith(name) and not str(path.relative_to(ROOT)).startswith(home):
                yield f"{header} belongs to {home}/"
        if not (ROOT / header).exists():
            continue
        target = header.split("/")[0]
        if target in MAY_INCLUDE and target not in MAY_INCLUDE[layer]:
            yield f"{layer}/ may not include {header}"
        if layer == "cli" and target == "core" and header not in CLI_CORE:
            yield f"cli/ may not include {header}: use the public header"


found = [f"{path.relative_to(ROOT)}: {problem}"
         for layer in MAY_INCLUDE for path in sorted((ROOT / layer).rglob("*")) if path.suffix in {".h", ".cpp"}
         for problem in problems(path)]
print("\n".join(found) if found else "layers: every include goes down")
sys.exit(1 if found else 0)
