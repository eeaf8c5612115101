"""The same line on both sides of the walls: as an agent's, and bare."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.home import Home
from bench.measure import Figures, Turn, compare

# A line about which a question is open stands still for minutes: that is no figure.
_PATIENCE = 100


def both(
    home: Home, name: str, line: str, rounds: int, *, warm: int = 2
) -> tuple[dict[str, Figures], float]:
    """A line in alice's tree and in the bare folder; and how many times as long it takes there."""
    here, there = f"{name}, inside", f"{name}, bare"
    figures = compare({here: inside(home, line), there: bare(home, line)}, rounds, warm)
    return figures, figures[here].median / figures[there].median


def inside(home: Home, line: str, agent: str = "alice") -> Turn:
    """A line as the agent sends it; its shell's start is in the figure."""
    return timed(["polis", "shell", agent, "-c", line], home.repository, home.environment)


def bare(home: Home, line: str) -> Turn:
    """The line without any walls."""
    return timed(["bash", "-c", line], home.bare, home.bare_environment)


def timed(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Turn:
    """A turn that runs a program to its end, which must be a good one."""

    def turn() -> float:
        began = time.perf_counter()
        ended = subprocess.run(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        seconds = time.perf_counter() - began
        if ended.returncode != 0:
            said = (ended.stderr or ended.stdout).decode(errors="replace").strip()
            raise RuntimeError(f"{argv[-1]} ended with {ended.returncode}: {said[-2000:]}")
        return seconds

    return turn
