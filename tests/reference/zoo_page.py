"""Reads results of zoo.py: which failed, and the page made of them."""
import collections
import re

import numpy as np

FORWARD_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3
NOT_WRITTEN = ("build", "export", "ONNX Runtime", "time")  # no model, or one that ONNX Runtime refuses to load


def failed(result):
    return (result.get("failed_at") is not None or result["forward"] > FORWARD_TOLERANCE or
            (result["gradient"] != "ids" and result["gradient"] > GRADIENT_TOLERANCE) or bool(result.get("lrp_failed")) or
            "not finite" in result.get("lrp", {}).values())


def number(value):
    return value if isinstance(value, str) else "" if value is None else f"{value:.1e}"


def cause(result):
    if result.get("failed_at"):
        error = re.sub(r"Load model from \S+ failed:", "", " ".join(result["error"].split()))
        return f"{result['failed_at']}: " + error[:160].replace("|", "/")
    parts = [f"{m} fails: " + " ".join(e.split())[:80] for m, e in result.get("lrp_failed", {}).items()]
    for m, v in result.get("lrp", {}).items():
        if v == "not finite":
            parts.append(f"{m} overflows float32; up to {number(result.get('lrp_in_double', {}).get(m))} in double")
    if "forward32" in result:
        parts.append(f"forward compared with torch in double; in float32 onnxray and ONNX Runtime are {number(result['forward32'])} "
                     f"apart, ONNX Runtime and double {number(result['runtime32'])}")
    if result.get("gradient_in"):
        parts.append(f"gradient compared in double; float32 differs by {number(result['gradient32'])}")
    return "; ".join(parts).replace("|", "/")


def row(result):
    lrp = result.get("lrp", {})
    finite = sum(v != "not finite" for v in lrp.values())
    ran = f"{finite}/{len(lrp) + len(result.get('lrp_failed', {}))}" if lrp else ""
    return (f"| {result['model'].removeprefix('timm:')} | {result['family']} | {result['exporter']} | {number(result.get('forward'))} | "
            f"{number(result.get('gradient'))} | {ran} | "
            f"{number(lrp.get('lrp_z'))} | {number(lrp.get('lrp:composite=epsilon_plus'))} | {cause(result)} |")


def is_written(result):
    return result.get("failed_at") not in NOT_WRITTEN


def has_gradient(result):
    return isinstance(result.get("gradient"), float) and result["gradient"] <= GRADIENT_TOLERANCE


def is_finite(result):
    return not result["lrp_failed"] and "not finite" not in result["lrp"].values()


def counts(results):
    """What of these results passed: (name of the check, passed, tried)."""
    written = [r for r in results if is_written(r)]
    asked = [r for r in written if r.get("gradient") != "ids"]
    relevance = [r for r in written if r.get("lrp")]
    return [("loads and runs", sum("forward" in r for r in written), len(written)),
            (f"forward equals ONNX Runtime within {FORWARD_TOLERANCE:g}",
             sum(r.get("forward", np.inf) <= FORWARD_TOLERANCE for r in written), len(written)),
            (f"input gradient equals torch autograd within {GRADIENT_TOLERANCE:g}", sum(map(has_gradient, asked)), len(asked)),
            ("every LRP method and composite runs and is finite", sum(map(is_finite, relevance)), len(relevance))]


def families(results):
    groups = collections.defaultdict(list)
    for r in results:
        groups[r["family"]].append(r)
    lines = ["| family | architectures | exports tried | written | forward | gradient | LRP finite |", "|---|---|---|---|---|---|---|"]
    for family, group in sorted(groups.items()):
        _, forward, gradient, lrp = (f"{passed} of {tried}" for _, passed, tried in counts(group))
        lines.append(f"| {family} | {len({r['model'] for r in group})} | {len(group)} | {sum(map(is_written, group))} | {forward} | "
                     f"{gradient} | {lrp} |")
    return lines


def conservation(results):
    errors = collections.defaultdict(list)
    for r in results:
        for method, value in r.get("lrp", {}).items():
            if value != "not finite":
                errors[method].append(value)
    return ["| LRP | models | median conservation error | 90th percentile |", "|---|---|---|---|"] + [
        f"| `{m}` | {len(v)} | {np.median(v):.1e} | {np.percentile(v, 90):.1e} |" for m, v in errors.items()]


def page(results):
    lines = [f"{len({r['model'] for r in results})} architectures, {len(results)} exports tried, "
             f"{sum(map(is_written, results))} written by the exporter.", "", "| check | passed |", "|---|---|"]
    lines += [f"| {name} | {passed} of {tried} ({100 * passed / max(tried, 1):.1f} %) |" for name, passed, tried in counts(results)]
    lines += ["", *families(results), "", *conservation(results), "",
              "| model | family | exporter | forward | gradient | LRP finite | conservation, lrp_z | epsilon_plus | cause, note |",
              "|---|---|---|---|---|---|---|---|---|"]
    lines += [row(r) for r in sorted(results, key=lambda r: (r["family"], r["model"], r["exporter"]))]
    return "\n".join(lines)


def write_page(path, results):
    """Replaces what stands between the page's two markers."""
    begin, end = "<!-- torch zoo: begin -->", "<!-- torch zoo: end -->"
    text = path.read_text()
    head, rest = text.split(begin, 1)
    path.write_text(f"{head}{begin}\n{page(results)}\n{end}{rest.split(end, 1)[1]}")
