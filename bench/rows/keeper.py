"""What judging every exec and every write costs: the same work inside the walls and bare."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from bench.home import Home
from bench.measure import Budget, Figures, Row, Turn, compare, ratio

_TRUE = "for ((i = 0; i < 300; i++)); do /bin/true; done"
_BUILD = "make -s clean && make -s -j2"
_FILES, _CHANGED = 200, 2000
_OPENS = 3000
_OPEN = (
    f"import os, time; t = time.perf_counter()\n"
    f"for _ in range({_OPENS}): os.close(os.open('opened', os.O_WRONLY | os.O_CREAT, 0o644))\n"
    f"print((time.perf_counter() - t) / {_OPENS})"
)
_CORES = 2
_AGENTS = 10


def measure_keeper(home: Home, rounds: int) -> Row:
    """Loops of execs, a C build, a checkout, a deletion, writes: polis with everything on (each
    exec verified, each write judged, the shipped rules, the journal) beside the same bare."""
    inside = Path(home.polis("agents", "path", "alice").strip())
    bare = home.folder / "bare"
    for folder in (inside, bare):
        _lay_out(folder)
    few = max(3, rounds // 8)
    figures: dict[str, Figures] = {}
    budgets = []
    for name, line, most in (
        ("300 × true", _TRUE, 1.5),
        (f"C build, {_FILES} files, -j2", f"cd c && {_BUILD}", 1.15),
        (
            f"checkout of {_CHANGED} files",
            "cd g && git checkout -q other && git checkout -q -",
            1.5,
        ),
        (
            f"rm -rf of {_CHANGED} files",
            f"mkdir -p build && cd build && {_MANY} && rm -rf many",
            1.5,
        ),
    ):
        here, there = f"{name}, inside", f"{name}, bare"
        figures |= compare({here: _inside(home, line), there: _bare(bare, line)}, few)
        budgets.append(Budget(name, ratio(figures, here, there), most))
    opened = _opens(home, inside)
    budgets.append(Budget("a write-open, µs", opened * 1e6, 20, "µs"))
    figures |= _at_once(home, bare, few)
    names = [f"{_AGENTS} × 150 true at once, {where}" for where in ("inside", "bare")]
    budgets.append(Budget(f"{_AGENTS} × 150 true at once", ratio(figures, *names), 1.5))
    notes = ["Each line is started by `polis shell -c`, which is in its figure."]
    return Row(
        name="keeper",
        title="Every exec and every write judged, beside the same work bare",
        figures=figures,
        budgets=budgets,
        notes=notes,
    )


_MANY = f"mkdir many && (cd many && seq {_CHANGED} | xargs touch)"


def _inside(home: Home, line: str) -> Turn:
    argv = ["polis", "shell", "alice", "-c", line]
    return _timed(argv, home.repository, home.environment)


def _bare(folder: Path, line: str) -> Turn:
    return _timed(["bash", "-c", line], folder, dict(os.environ))


def _timed(argv: list[str], folder: Path, environment: Mapping[str, str]) -> Turn:
    def turn() -> float:
        began = time.perf_counter()
        ended = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, check=False)
        seconds = time.perf_counter() - began
        if ended.returncode != 0:
            raise RuntimeError(f"{argv[-1]} ended with {ended.returncode}: {ended.stderr!r}")
        return seconds

    return turn


def _opens(home: Home, inside: Path) -> float:
    """The seconds of a write-open, the best of five series."""
    (inside / "opens.py").write_text(_OPEN)
    taken = [float(home.polis("shell", "alice", "-c", "python3 opens.py")) for _ in range(5)]
    return min(taken)


def _at_once(home: Home, bare: Path, rounds: int) -> dict[str, Figures]:
    line = "for ((i = 0; i < 150; i++)); do /bin/true; done"
    names = ["alice", *(f"a{number}" for number in range(_AGENTS - 1))]
    for name in names[1:]:
        home.polis("agents", "add", name)

    def inside() -> float:
        return _together(
            [["polis", "shell", name, "-c", line] for name in names],
            home.repository,
            home.environment,
        )

    def outside() -> float:
        return _together([["bash", "-c", line]] * _AGENTS, bare, dict(os.environ))

    inside()
    kinds = {"inside": inside, "bare": outside}
    return compare(
        {f"{_AGENTS} × 150 true at once, {name}": turn for name, turn in kinds.items()}, rounds
    )


def _together(argvs: list[list[str]], folder: Path, environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    running = [
        subprocess.Popen(argv, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        for argv in argvs
    ]
    for one in running:
        if one.wait() != 0:
            raise RuntimeError(f"{one.args} ended with {one.returncode}")
    return time.perf_counter() - began


def _lay_out(folder: Path) -> None:
    """A C project, and a repository with a branch in which every file differs."""
    source = folder / "c"
    source.mkdir(parents=True)
    for number in range(_FILES):
        text = (
            f'#include <stdio.h>\nint f{number}(int n) {{ return printf("%d", n + {number}); }}\n'
        )
        (source / f"f{number}.c").write_text(text)
    rule = "all: $(patsubst %.c,%.o,$(wildcard *.c))\nclean:\n\trm -f *.o\n"
    (source / "Makefile").write_text(rule)
    tree = folder / "g"
    tree.mkdir()
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]

    def git(*words: str) -> None:
        subprocess.run(["git", *who, *words], cwd=tree, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    for branch in ("main", "other"):
        for number in range(_CHANGED):
            (tree / f"{number}.txt").write_text(f"{branch} {number}\n")
        git("add", "-A")
        git("commit", "-qm", branch)
        if branch == "main":
            git("checkout", "-q", "-b", "other")
    git("checkout", "-q", "main")
    shutil.rmtree(tree / ".git/hooks", ignore_errors=True)
