#!/usr/bin/env python3
"""Does a test fail where the library has a bug? Each mutant of the lists beside this file is one small bug.

Every mutant is applied to a copy of the tree (build/mutants/tree), the library is built there, and the release
test programs run over it, the suites that the mutant names first, until one fails. See docs/mutants.md.

    ./dev build && tests/mutants/run.py              every mutant, then the table
    tests/mutants/run.py --list                      their names; whether each still finds its place
    tests/mutants/run.py --only NAME [--only NAME]   some of them
    tests/mutants/run.py --rest                      those without a result
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "mutants"
PAGE = ROOT / "docs" / "mutants.md"
# The release half of ./dev test, by how long each suite takes.
SUITES = ["backward", "suite_gradients", "ops", "onnx", "suite_onnx", "core", "rules", "suite_reference",
          "backends", "methods", "cli", "api", "suite_light"]


@dataclass(frozen=True)
class Mutant:
    """A bug: in `file`, `before`, which stands there once, becomes `after`."""

    area: str
    name: str
    file: str
    breaks: str
    before: str
    after: str
    suites: list[str]

    def applied(self, text: str) -> str:
        """The text of its file with the bug."""
        count = text.count(self.before)
        if count != 1:
            raise ValueError(f"{self.name}: its text is {count} times in {self.file}, not once")
        return text.replace(self.before, self.after)


@dataclass(frozen=True)
class Result:
    """What became of a mutant; `suite` and `test` killed it."""

    state: str  # killed, survived, survived the suites that it names, or does not build
    suite: str = ""
    test: str = ""
    seconds: float = 0


def read_mutants() -> list[Mutant]:
    """All lists, in the order of their files' names."""
    mutants = []
    for path in sorted(HERE.glob("*.toml")):
        entries = tomllib.loads(path.read_text())["mutant"]
        mutants += [Mutant(area=path.stem, **entry) for entry in entries]
    names = [m.name for m in mutants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"mutants with one name: {', '.join(twice)}")
    return mutants


class Bench:
    """A copy of the tree, a build of the library in it, and the test programs of the release build."""

    def __init__(self, tree: Path, build: Path, programs: Path, jobs: int, timeout: float,
                 suites: list[str]) -> None:
        self.tree, self.build, self.programs = tree, build, programs
        self.jobs, self.timeout, self.suites = jobs, timeout, suites

    def prepare(self) -> None:
        """Checks the tree out at HEAD and builds the library as it is."""
        head = git(ROOT, "rev-parse", "HEAD")
        if self.tree == WORK / "tree":
            if self.tree.exists():
                git(self.tree, "checkout", "--quiet", "--force", "--detach", head)
            else:
                git(ROOT, "worktree", "prune")
                git(ROOT, "worktree", "add", "--quiet", "--detach", str(self.tree), head)
        if not (self.build / "build.ninja").exists():
            launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
            subprocess.run(["cmake", "-G", "Ninja", "-S", self.tree, "-B", self.build, "-DONNXRAY_TESTS=OFF",
                            "-DCMAKE_BUILD_TYPE=Release", *launcher], check=True, stdout=subprocess.DEVNULL)
        if not self.make():
            raise RuntimeError(f"{self.tree} does not build; see {self.build}")

    def make(self) -> bool:
        """Builds the library; what ccache knows of precompiled headers is enough for it."""
        sloppy = "pch_defines,time_macros,include_file_mtime,include_file_ctime"
        command = ["ninja", "-C", str(self.build), f"-j{self.jobs}", "onnxray"]
        built = subprocess.run(command, capture_output=True, text=True,
                               env={"CCACHE_SLOPPINESS": sloppy, **os.environ})
        if built.returncode != 0:
            lines = built.stdout.splitlines()
            print("\n".join([line for line in lines if "error" in line] or lines[-5:]), file=sys.stderr)
        return built.returncode == 0

    def failure(self, suite: str) -> str | None:
        """The test of a suite that fails first, or None."""
        program = self.programs / f"test_{suite}"
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.build), "GOMP_SPINCOUNT": "1000",
                       "OMP_NUM_THREADS": "2"}
        try:
            done = subprocess.run([program, "--abort", "--reporter", "xml"], env=environment, cwd=ROOT,
                                  capture_output=True, text=True, errors="replace", timeout=self.timeout)
        except subprocess.TimeoutExpired:
            return "it does not end"
        if done.returncode == 0:
            return None
        names = re.findall(r'<TestCase name="([^"]*)"', done.stdout)
        return names[-1].replace("&quot;", "'").replace("&lt;", "<").replace("&amp;", "&") if names else "?"

    def judge(self, mutant: Mutant) -> Result:
        """Applies a mutant, builds and tests it, and puts its file back."""
        path = self.tree / mutant.file
        original = path.read_text()
        start = time.monotonic()
        path.write_text(mutant.applied(original))
        try:
            if not self.make():
                return Result("does not build")
            for suite in mutant.suites + [s for s in self.suites if s not in mutant.suites]:
                test = self.failure(suite)
                if test is not None:
                    return Result("killed", suite, test, time.monotonic() - start)
            state = "survived" if self.suites else "survived the suites that it names"
            return Result(state, seconds=time.monotonic() - start)
        finally:
            path.write_text(original)


def git(tree: Path, *arguments: str) -> str:
    """What a git command prints."""
    done = subprocess.run(["git", "-C", tree, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def read_results() -> dict[str, Result]:
    """The results of earlier runs, by mutant."""
    path = WORK / "results.json"
    return {name: Result(**entry) for name, entry in json.loads(path.read_text()).items()} if path.exists() else {}


def write_results(results: dict[str, Result]) -> None:
    """Keeps the results for the table and for --rest."""
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "results.json").write_text(json.dumps({n: asdict(r) for n, r in results.items()}, indent=1) + "\n")


def table(mutants: list[Mutant], results: dict[str, Result]) -> str:
    """The results in Markdown, a table for each list."""
    lines: list[str] = []
    for area in dict.fromkeys(m.area for m in mutants):
        lines += ["", f"## {area.capitalize()}", "", "| mutant | file | what it breaks | killed by |",
                  "|---|---|---|---|"]
        for m in (m for m in mutants if m.area == area):
            r = results.get(m.name, Result("not run"))
            killer = f"`{r.suite}`: {r.test}" if r.state == "killed" else f"**{r.state}**"
            lines.append(f"| {m.name} | `{m.file}` | {m.breaks} | {killer.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def write_page(mutants: list[Mutant], results: dict[str, Result]) -> None:
    """Replaces what follows the marker of docs/mutants.md."""
    marker = "<!-- tests/mutants/run.py writes what follows. -->\n"
    states = [results.get(m.name, Result("not run")).state for m in mutants]
    counts = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states))
    text = PAGE.read_text()
    PAGE.write_text(text[:text.index(marker)] + marker + f"\n{len(mutants)} mutants: {counts}.\n" +
                    table(mutants, results))


def list_mutants(mutants: list[Mutant]) -> int:
    """Prints every mutant; 1 where one does not find its place."""
    lost = 0
    for m in mutants:
        place = ""
        try:
            m.applied((ROOT / m.file).read_text())
        except (ValueError, OSError) as error:
            place, lost = f"  [{error}]", 1
        print(f"{m.area:10} {m.name}: {m.breaks}{place}")
    return lost


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the mutants and check their places")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this mutant")
    parser.add_argument("--rest", action="store_true", help="mutants without a result")
    parser.add_argument("--table", action="store_true", help="only write the page anew")
    parser.add_argument("--tree", type=Path, default=WORK / "tree", help="a checkout to change instead")
    parser.add_argument("--build", type=Path, default=WORK / "build", help="its build")
    parser.add_argument("--programs", type=Path, default=ROOT / "build" / "release" / "tests")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=900, metavar="SECONDS", help="of one suite")
    parser.add_argument("--named", action="store_true", help="run only the suites that a mutant names")
    parser.add_argument("--trust", action="store_true", help="do not first run all suites without a mutant")
    return parser.parse_args()


def main() -> int:
    """0 where every mutant that ran was killed."""
    arguments = parse()
    mutants = read_mutants()
    if arguments.list:
        return list_mutants(mutants)
    results = read_results()
    chosen = [m for m in mutants if m.name in arguments.only] if arguments.only else mutants
    unknown = set(arguments.only) - {m.name for m in mutants}
    if unknown:
        sys.exit(f"no such mutant: {', '.join(sorted(unknown))}")
    if arguments.rest:
        chosen = [m for m in chosen if m.name not in results]
    if not arguments.table:
        bench = Bench(arguments.tree.resolve(), arguments.build.resolve(), arguments.programs.resolve(),
                      arguments.jobs, arguments.timeout, [] if arguments.named else SUITES)
        bench.prepare()
        for suite in [] if arguments.trust else SUITES:
            if test := bench.failure(suite):
                sys.exit(f"{suite} fails without a mutant: {test}")
        for n, mutant in enumerate(chosen, 1):
            r = results[mutant.name] = bench.judge(mutant)
            write_results(results)
            killer = f" by {r.suite}: {r.test}" if r.suite else ""
            print(f"{n}/{len(chosen)} {mutant.name} {r.state}{killer} ({r.seconds:.0f} s)", flush=True)
    write_page(mutants, results)
    return 0 if all(results[m.name].state == "killed" for m in chosen if m.name in results) else 1


if __name__ == "__main__":
    sys.exit(main())
