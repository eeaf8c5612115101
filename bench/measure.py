"""Rounds in which every subject takes its turn in random order, so that a slow moment of the
machine meets all of them; medians, and ratios of medians of the same run."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

# Answers the seconds of one turn.
Turn = Callable[[], float]


class Unready(Exception):
    """A row cannot be measured here, and why."""


@dataclass(frozen=True)
class Figures:
    """What one subject took: seconds, where no other unit is said."""

    median: float
    p10: float
    p90: float
    turns: int
    unit: str = "s"


@dataclass(frozen=True)
class Budget:
    """A promise and what was measured. most: the largest value that keeps it."""

    what: str
    value: float
    most: float
    unit: str = "×"

    @property
    def kept(self) -> bool:
        return self.value <= self.most


@dataclass(frozen=True)
class Row:
    """One comparison: a title for people, the figures by subject, the budgets."""

    name: str
    title: str
    figures: Mapping[str, Figures]
    budgets: Sequence[Budget]
    notes: Sequence[str] = ()

    def describe(self) -> dict[str, object]:
        """The row as JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "figures": {name: asdict(figures) for name, figures in self.figures.items()},
            "budgets": [asdict(budget) | {"kept": budget.kept} for budget in self.budgets],
            "notes": list(self.notes),
        }


def compare(subjects: Mapping[str, Turn], rounds: int, warm: int = 2) -> dict[str, Figures]:
    """Every subject `rounds` times, shuffled within each round; the first `warm` do not count."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    names = list(subjects)
    for number in range(rounds + warm):
        random.shuffle(names)
        for name in names:
            seconds = subjects[name]()
            if number >= warm:
                taken[name].append(seconds)
    return {name: summarise(seconds) for name, seconds in taken.items()}


def summarise(series: Sequence[float], unit: str = "s") -> Figures:
    """Median and spread of a series."""
    ordered = sorted(series)
    last = len(ordered) - 1
    return Figures(
        median=statistics.median(ordered),
        p10=ordered[round(last * 0.1)],
        p90=ordered[round(last * 0.9)],
        turns=len(ordered),
        unit=unit,
    )


def ratio(figures: Mapping[str, Figures], one: str, other: str) -> float:
    """How many times the median of `other` the median of `one` is."""
    return figures[one].median / figures[other].median


def program(argv: list[str], environment: Mapping[str, str], *, status: int = 0) -> Turn:
    """A turn that starts a program by posix_spawn (the cheapest start there is) and waits."""

    found = shutil.which(argv[0], path=environment["PATH"]) or argv[0]

    def turn() -> float:
        began = time.perf_counter()
        pid = os.posix_spawn(found, argv, environment, file_actions=_QUIET)
        _, ended = os.waitpid(pid, 0)
        seconds = time.perf_counter() - began
        code = os.waitstatus_to_exitcode(ended)
        if code != status:
            raise RuntimeError(f"{' '.join(argv)} ended with {code}, not {status}")
        return seconds

    return turn


_NULL = os.open(os.devnull, os.O_RDWR)
_QUIET = [(os.POSIX_SPAWN_DUP2, _NULL, descriptor) for descriptor in (0, 1, 2)]
