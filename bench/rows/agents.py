"""A new agent, beside the git worktree that it contains."""

from __future__ import annotations

import itertools
import subprocess
import time

from bench.home import Home
from bench.measure import Budget, Row, Turn, compare, ratio


def measure_agents(home: Home, rounds: int) -> Row:
    """`polis agents add`, asked of polisd by its socket as the command line does, beside
    `git worktree add` in the same small repository."""
    figures = compare(
        {"agents add": _adding(home), "git worktree add": _worktree(home)}, min(rounds, 20)
    )
    times = ratio(figures, "agents add", "git worktree add")
    return Row(
        name="agents",
        title="A new agent in a small repository",
        figures=figures,
        budgets=[Budget("agents add, median", figures["agents add"].median * 1000, 60, "ms")],
        notes=[f"{times:.2g} × `git worktree add`, which makes the tree and a branch alone."],
    )


def _adding(home: Home) -> Turn:
    from cash.daemon.client import call
    from cash.places import find_places

    places = find_places(home.environment)
    numbers = itertools.count()
    where = str(home.repository)

    def turn() -> float:
        name = f"bench-{next(numbers)}"
        began = time.perf_counter()
        call(places, "agents.add", name=name, cwd=where)
        seconds = time.perf_counter() - began
        call(places, "agents.remove", name=name, force=True, cwd=where)
        return seconds

    return turn


def _worktree(home: Home) -> Turn:
    numbers = itertools.count()

    def git(*argv: str) -> None:
        subprocess.run(
            ["git", *argv],
            cwd=home.repository,
            env=home.environment,
            check=True,
            capture_output=True,
        )

    def turn() -> float:
        number = next(numbers)
        path = home.folder / f"worktree-{number}"
        began = time.perf_counter()
        git("worktree", "add", "--no-track", "-b", f"bench/{number}", str(path))
        seconds = time.perf_counter() - began
        git("worktree", "remove", "--force", str(path))
        git("branch", "-D", f"bench/{number}")
        return seconds

    return turn
