"""Keeping the hub's object store in order, at a quiet moment and with nobody else in it.

Agents borrow the hub's objects, also such that no ref of the hub holds: so nothing is ever thrown
away here. Objects are put together into packs, and refs into one file. What the user's own
`git gc` throws away is bounded by what polis keeps alive (cash.hub.refs).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cash.hub.levels import EXCLUSIVE
from cash.hub.mutex import PATIENCE, hold_hub
from cash.hub.repository import Repository

# None of them prunes, unlike `gc`; each ends in seconds, and others may go between two.
TASKS: Final = ("loose-objects", "incremental-repack", "pack-refs")
_SECONDS: Final = 600.0
# Where `git gc --auto` begins: of 256 folders of loose objects one is counted.
_LOOSE: Final = 6700
_PACKS: Final = 50
_SAMPLE: Final = "objects/17"
_PARTS: Final = 256


@dataclass(frozen=True, slots=True)
class Store:
    """loose: about how many objects are files of their own. packs: how many packs there are."""

    loose: int
    packs: int


def look_at_store(common_dir: Path) -> Store:
    """Two folders are looked at; git is not started."""
    packs = sum(name.endswith(".pack") for name in _names(common_dir / "objects/pack"))
    return Store(_PARTS * len(_names(common_dir / _SAMPLE)), packs)


def is_crowded(git_directory: Path) -> bool:
    """Whether git itself would begin by now, where nothing tells it otherwise."""
    store = look_at_store(git_directory)
    return store.loose > _LOOSE or store.packs > _PACKS


def is_due(repository: Repository) -> bool:
    """Whether git itself would begin by now. Where the user has switched that off, or objects may
    be missing on purpose (a partial clone), it never is."""
    if not is_crowded(repository.common_dir):
        return False
    store = look_at_store(repository.common_dir)
    settings = _settings(repository)
    if any(key.endswith(".promisor") for key in settings):
        return False
    most_loose = _number(settings, "gc.auto", _LOOSE)
    most_packs = _number(settings, "gc.autopacklimit", _PACKS)
    if most_loose <= 0 or settings.get("maintenance.auto", "true").lower() in ("false", "no", "0"):
        return False
    return store.loose > most_loose or 0 < most_packs < store.packs


def maintain(repository: Repository) -> tuple[str, ...]:
    """Does all tasks; their names. Raises Fault when somebody holds the hub for too long."""
    for task in TASKS:
        doing = f"maintenance: {task}"
        with hold_hub(repository, EXCLUSIVE, doing, seconds=PATIENCE) as held:
            held.git.run("maintenance", "run", "--quiet", f"--task={task}", seconds=_SECONDS)
    return TASKS


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def _settings(repository: Repository) -> dict[str, str]:
    """The user's, without what polis gives every git of its own."""
    out = repository.git.run("config", "-z", "--list", "--show-scope")
    fields = os.fsdecode(out).split("\0")[:-1]
    found = {}
    for scope, entry in zip(fields[::2], fields[1::2], strict=True):
        if scope != "command":
            key, _, value = entry.partition("\n")
            found[key] = value
    return found


def _number(settings: dict[str, str], key: str, fallback: int) -> int:
    try:
        return int(settings[key])
    except (KeyError, ValueError):
        return fallback
