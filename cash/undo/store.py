"""One agent's store: what was kept of its tree and git directory, and how much that may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cash.undo.ground import Ground
from cash.undo.objects import Objects, open_objects
from cash.undo.steps import Step, Steps
from cash.undo.taking import fathom


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes: for each command, and for all of an agent's."""

    each: int
    total: int


@dataclass(frozen=True, slots=True)
class Store:
    """folder: private, out of the agent's sight."""

    folder: Path
    ground: Ground
    budget: Budget

    def open(self) -> tuple[Objects, Steps]:
        """Makes what is missing. OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_objects(self.folder / "objects"), Steps(self.folder / "steps")


def settle(store: Store, step: Step) -> None:
    """Notes how what a step has touched is now: whoever was to, was killed. OSError."""
    _, steps = store.open()
    file = steps.begin(step.id, step.command)
    try:
        file.end([(path, fathom(store.ground, path)) for path in step.paths])
    finally:
        file.close()
