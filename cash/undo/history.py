"""Who wrote each line of a file, from what was kept of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cash.undo.state import State
from cash.undo.steps import Moved, Step, Touched


@dataclass(frozen=True, slots=True)
class Version:
    """What a file was before a step. step: which; is_its: whether what came after, up to the next
    version, is known to be that step's and nobody else's."""

    step: str
    before: State
    is_its: bool


def versions_of(path: str, steps: Iterable[Step], now: State) -> tuple[Version, ...]:
    """The steps that have touched a file, the oldest first. steps: the newest first. now: what it
    is. A folder that was renamed is followed."""
    found: list[Version] = []
    for step in steps:
        place, before = _before(path, step)
        if before is not None:
            after = step.after.get(path)
            is_its = after is None or after.object == now.object
            found.append(Version(step.id, before, is_its))
            now = before
        path = place
    return tuple(reversed(found))


def _before(path: str, step: Step) -> tuple[str, State | None]:
    """What the path was called before the step, and what was there."""
    before: State | None = None
    for change in reversed(step.changes):
        match change:
            case Moved(old, new) if f"{path}/".startswith(f"{new}/"):
                path = old + path[len(new) :]
            case Touched(touched, state) if touched == path and _tells(state):
                before = state
            case _:
                continue
    return path, before


def _tells(state: State) -> bool:
    """Whether its content is known: where there is none, that is."""
    return state.kind != "file" or bool(state.object)


def attribute(contents: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Who wrote each line of the last content. contents: (who made it, its lines), from the oldest
    on."""
    owners: list[str] = []
    lines: Sequence[str] = ()
    for who, new in contents:
        found = [who] * len(new)
        matcher = difflib.SequenceMatcher(None, lines, new, autojunk=False)
        for old, at, size in matcher.get_matching_blocks():
            found[at : at + size] = owners[old : old + size]
        owners, lines = found, new
    yield from owners
