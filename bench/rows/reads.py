"""What polisd reads of the hub all the time, by libgit2 in process and by a git of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.home import Home
from bench.measure import Budget, Row, Turn, Unready, compare, ratio
from cash.hub.quick_reads import count_quickly, load_libgit2, read_refs_quickly
from cash.hub.repository import Repository, find_repository

_BRANCHES = 200
_COMMITS = 100
_IDENTITY = ("NAME", "EMAIL")
# An import lists refs three times and asks once for descent.
_GAIN = 0.5


def measure_reads(home: Home, rounds: int) -> Row:
    """All refs of a repository with many, and how far a branch is ahead."""
    if not load_libgit2():
        raise Unready("pygit2 is not installed: pip install 'polis[pygit2]'")
    repository = _make(home.folder / "reads", home.environment)
    main, side = "refs/heads/main", "refs/heads/side/0"
    layout = "--format=%(refname)%00%(objectname)%00%(*objectname)%00%(symref)"
    span = ("rev-list", "--left-right", "--count", f"{side}...{main}")
    subjects = {
        "refs, libgit2": _turn(lambda: read_refs_quickly(repository, ())),
        "refs, git": _turn(lambda: repository.git.run("for-each-ref", layout)),
        "ahead and behind, libgit2": _turn(lambda: count_quickly(repository, side, main)),
        "ahead and behind, git": _turn(lambda: repository.git.run(*span)),
    }
    figures = compare(subjects, rounds)
    return Row(
        name="reads",
        title=f"Reads of a hub with {_BRANCHES} branches",
        figures=figures,
        budgets=[
            Budget("refs", ratio(figures, "refs, libgit2", "refs, git"), _GAIN),
            Budget(
                "ahead and behind",
                ratio(figures, "ahead and behind, libgit2", "ahead and behind, git"),
                _GAIN,
            ),
        ],
        notes=["Without the extra polis[pygit2] polisd asks git, and is 13 MB smaller."],
    )


def _make(folder: Path, environment: Mapping[str, str]) -> Repository:
    """side/0 goes apart from main; the others are names."""
    create = "echo create refs/heads/side/$n side/0~$((n % 50))"
    lines = (
        "git init -q -b main . && git commit -q --allow-empty -m main && git switch -q -c side/0",
        f"for n in $(seq {_COMMITS}); do git commit -q --allow-empty -m $n; done",
        "git switch -q main && git commit -q --allow-empty -m more",
        f"for n in $(seq {_BRANCHES}); do {create}; done | git update-ref --stdin",
    )
    who = {f"GIT_{one}_{key}": "bench" for one in ("AUTHOR", "COMMITTER") for key in _IDENTITY}
    folder.mkdir()
    subprocess.run(
        ["sh", "-ec", "\n".join(lines)], cwd=folder, env={**environment, **who}, check=True
    )
    return find_repository(folder)


def _turn(read: Callable[[], object]) -> Turn:
    def turn() -> float:
        began = time.perf_counter()
        found = read()
        seconds = time.perf_counter() - began
        if found is None:
            raise RuntimeError("libgit2 stands aside here")
        return seconds

    return turn
