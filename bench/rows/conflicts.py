"""What it takes to foresee the conflicts of twenty agents on a large repository."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from bench.home import Home
from bench.measure import Budget, Row, Turn, compare
from cash.hub.foresight import Work, foresee
from cash.hub.quick_reads import load_libgit2
from cash.hub.repository import find_repository
from cash.hub.targets import find_target

_FILES, _FOLDERS = 10_000, 100
_AGENTS = 20
# Each agent commits one file, changes another and leaves a new one; every fourth the same line.
_WORK = (
    "echo mine {n} > d{n}/f0 && git commit -qam {n} && "
    "echo mine {n} > shared{turn} && echo {n} > new{n}"
)
_MOST = 0.5


def measure_conflicts(home: Home, rounds: int) -> Row:
    """`polis conflicts` typed, every tree read anew; and the comparison of all pairs alone."""
    load_libgit2()
    root = home.folder / "wide"
    _lay_out(root)
    names = [f"wide{number}" for number in range(_AGENTS)]
    home.polis("init", root=root)
    for number, name in enumerate(names):
        home.polis("agents", "add", name, root=root)
        line = _WORK.format(n=number, turn=number % 4)
        home.polis("exec", name, "--", "sh", "-c", line, root=root)
    found = json.loads(home.polis("conflicts", "--json", root=root))
    subjects = {
        "polis conflicts": _typed(home, root),
        "all pairs, in the hub": _compared(home, root, names),
    }
    figures = compare(subjects, max(5, rounds // 4))
    for name in names:
        home.polis("agents", "stop", name, root=root)
    return Row(
        name="conflicts",
        title=f"Conflicts of {_AGENTS} agents in {_FILES:,} files",
        figures=figures,
        budgets=[
            Budget("all pairs, in the hub", figures["all pairs, in the hub"].median, _MOST, "s"),
            Budget("polis conflicts", figures["polis conflicts"].median, _MOST, "s"),
        ],
        notes=[
            f"{len(found['conflicts'])} of {_AGENTS * (_AGENTS - 1) // 2} pairs conflict.",
            "Typed, git reads every agent's tree inside its walls, for what is not committed.",
        ],
    )


def _typed(home: Home, root: Path) -> Turn:
    def turn() -> float:
        began = time.perf_counter()
        home.polis("conflicts", "--json", root=root)
        return time.perf_counter() - began

    return turn


def _compared(home: Home, root: Path, names: list[str]) -> Turn:
    repository = find_repository(root)
    (folder,) = (home.folder / "state/polis").glob(f"*/agents/{names[0]}")
    target = find_target(repository, folder.parent, root, None)
    works = [Work(name, repository.git.read("rev-parse", f"agent/{name}")) for name in names]

    def turn() -> float:
        began = time.perf_counter()
        foresee(repository, target, works)
        return time.perf_counter() - began

    return turn


def _lay_out(root: Path) -> None:
    for number in range(_FILES):
        path = root / f"d{number % _FOLDERS}/f{number // _FOLDERS}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")
    for turn in range(4):
        (root / f"shared{turn}").write_text("shared\n")
    who = "git -c user.name=bench -c user.email=bench@example.org"
    line = f"git init -q -b main && git add -A && {who} commit -qm all"
    subprocess.run(["sh", "-ec", line], cwd=root, check=True)
