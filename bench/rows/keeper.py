"""What judging every exec and every write costs: the same work inside the walls and bare."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from bench.home import Home
from bench.material import C_BUILD, C_FILES, CHANGED, MANY_TRUE, lay_out_c, lay_out_repository
from bench.measure import Budget, Figures, Row, compare, ratio
from bench.sides import both

_MAKE_MANY = f"mkdir many && (cd many && seq {CHANGED} | xargs touch)"
# Each with the most it may take, in times of what it takes bare.
_WORK = (
    ("300 × true", MANY_TRUE, 1.5),
    (f"C build, {C_FILES} files, -j2", C_BUILD, 1.15),
    (f"checkout of {CHANGED} files", "cd g && git checkout -q other && git checkout -q -", 1.5),
    (
        f"rm -rf of {CHANGED} files",
        f"mkdir -p build && cd build && {_MAKE_MANY} && rm -rf many",
        1.5,
    ),
)
_OPENS = 3000
_OPEN = (
    f"import os, time; t = time.perf_counter()\n"
    f"for _ in range({_OPENS}): os.close(os.open('opened', os.O_WRONLY | os.O_CREAT, 0o644))\n"
    f"print((time.perf_counter() - t) / {_OPENS})"
)
_AGENTS = 10
_AT_ONCE = "for ((i = 0; i < 150; i++)); do /bin/true; done"


def measure_keeper(home: Home, rounds: int) -> Row:
    """Loops of execs, a C build, a checkout, a deletion, writes: polis with everything on (each
    exec verified, each write judged, the shipped rules, the journal) beside the same bare."""
    for folder in (home.tree, home.bare):
        lay_out_c(folder)
        lay_out_repository(folder)
    few = max(3, rounds // 8)
    figures: dict[str, Figures] = {}
    budgets = []
    for name, line, most in _WORK:
        found, times = both(home, name, line, few)
        figures |= found
        budgets.append(Budget(name, times, most))
    budgets.append(Budget("a write-open, µs", _opens(home, home.tree) * 1e6, 20, "µs"))
    figures |= _at_once(home, few)
    names = [f"{_AGENTS} × 150 true at once, {where}" for where in ("inside", "bare")]
    budgets.append(Budget(f"{_AGENTS} × 150 true at once", ratio(figures, *names), 1.5))
    return Row(
        name="keeper",
        title="Every exec and every write judged, beside the same work bare",
        figures=figures,
        budgets=budgets,
        notes=["Each line is started by `polis shell -c`, which is in its figure."],
    )


def _opens(home: Home, inside: Path) -> float:
    """The seconds of a write-open, the best of five series."""
    (inside / "opens.py").write_text(_OPEN)
    taken = [float(home.polis("shell", "alice", "-c", "python3 opens.py")) for _ in range(5)]
    return min(taken)


def _at_once(home: Home, rounds: int) -> dict[str, Figures]:
    names = home.agents(_AGENTS)

    def inside() -> float:
        return _together(
            [["polis", "shell", name, "-c", _AT_ONCE] for name in names],
            home.repository,
            home.environment,
        )

    def outside() -> float:
        return _together([["bash", "-c", _AT_ONCE]] * _AGENTS, home.bare, home.bare_environment)

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
            raise RuntimeError(f"{one.args!r} ended with {one.returncode}")
    return time.perf_counter() - began
