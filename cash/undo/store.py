"""One agent's store: what was kept of its tree and git directory, and how much that may be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cash.undo.ground import Ground
from cash.undo.objects import Objects, open_objects
from cash.undo.state import State
from cash.undo.steps import Moved, Step, StepFile, Steps
from cash.undo.taking import fathom, is_at

# Nothing is like it.
_OTHERS: Final = State("other")


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
        for _ in ending(store.ground, step, file):
            pass
    finally:
        file.close()


def ending(
    ground: Ground,
    step: Step,
    file: StepFile,
    when: float = float("inf"),
    done: Collection[Moved] = (),
) -> Iterator[None]:
    """Notes in its file how what a step has touched is in the end; one look at a time. when: that
    was, in Unix seconds: what is younger by now is somebody else's already. done: folders that
    were seen where they were moved to; by now another may have the number of one that is gone.
    OSError."""
    open_moves = [one for one in step.last_moves if one not in done]
    stayed = [one for one in open_moves if is_at(ground, one.path, one.inode)]
    for move in stayed:
        file.stay(move)
    after: list[tuple[str, State]] = []
    for path in step.without(stayed).paths:
        state = fathom(ground, path)
        is_others = state.kind != "folder" and state.stamp[1] > when * 1e9
        after.append((path, _OTHERS if is_others else state))
        yield
    file.end(after)
