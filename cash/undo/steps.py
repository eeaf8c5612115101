"""Steps: what each command has changed, and how all of that was before.

A step is a file of JSON lines, written as things happen: what a killed writer leaves ends in a
whole line, or in one that is not read.

| line | says |
|---|---|
| step, command, time, undoes | first: whose it is, since when; undoes: the step it takes back |
| path, before | a path is about to be changed |
| moved, inode | a folder is about to be renamed, from a path to another |
| stayed, inode | that folder was not renamed after all |
| path, after | how it was at the end |
| end | when that was; it may come again, when something went on in the background |
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cash.undo.objects import file_of
from cash.undo.state import State, unpack_state

_NAME: Final = re.compile(r"(\d{20})-([A-Za-z0-9-]{1,64})")


@dataclass(frozen=True, slots=True)
class Touched:
    """A path, and how it was before."""

    path: str
    before: State


@dataclass(frozen=True, slots=True)
class Moved:
    """A folder that was renamed. inode: its own."""

    path: str
    to: str
    inode: int


Change = Touched | Moved


@dataclass(frozen=True)
class Step:
    """id: its own; command: whose it is part of (a line of a resident shell). number: steps are
    in this order. after: how paths were at its end. ended: when; None: it goes on, or nobody saw
    its end. undoes: the step that it has taken back."""

    id: str
    command: str
    number: int
    time: float
    changes: tuple[Change, ...] = ()
    after: Mapping[str, State] = field(default_factory=dict)
    ended: float | None = None
    undoes: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Where what it touched is now, each once, in order."""
        found: dict[str, None] = {}
        for place, change in enumerate(self.changes):
            if isinstance(change, Touched):
                found[self.place_of(place)] = None
        return tuple(found)

    def place_of(self, place: int) -> str:
        """Where what the change of this number is about lies since the folders around it moved."""
        change = self.changes[place]
        path = change.to if isinstance(change, Moved) else change.path
        for number, later in self._moves:
            if number > place and f"{path}/".startswith(f"{later.path}/"):
                path = later.to + path[len(later.path) :]
        return path

    @property
    def last_moves(self) -> tuple[Moved, ...]:
        """The last of each folder: whether it was done, only the folder's place can tell."""
        last = {one.inode: one for one in self.changes if isinstance(one, Moved)}
        return tuple(last.values())

    def without(self, moves: Iterable[Moved]) -> Step:
        """The same, where these were never done."""
        gone = set(moves)
        return replace(self, changes=tuple(one for one in self.changes if one not in gone))

    @functools.cached_property
    def _moves(self) -> tuple[tuple[int, Moved], ...]:
        """The folders that were renamed: few, if any."""
        found = enumerate(self.changes)
        return tuple((number, one) for number, one in found if isinstance(one, Moved))


class Steps:
    """The steps of one agent, below a folder of their own."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder where it is missing. OSError."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, id: str, command: str, *, undoes: str = "") -> StepFile:
        """The file of a step, which may have begun before. OSError."""
        names = self._names()
        found = [name for name in names if _id_of(name) == id]
        if found:
            return StepFile(self._folder / found[-1])
        last = int(names[-1][:20]) if names else 0
        number = max(time.time_ns(), last + 1)  # whatever the clock does
        step = StepFile(self._folder / f"{number:020d}-{id}")
        step.add({"step": id, "command": command, "time": time.time(), "undoes": undoes})
        return step

    def ids(self) -> tuple[str, ...]:
        """All there are, the oldest first."""
        return tuple(dict.fromkeys(map(_id_of, self._names())))

    def read(self, id: str) -> Step | None:
        """A step; None: there is none, any more."""
        step: Step | None = None
        for name in self._names():
            if _id_of(name) == id:
                step = _read(self._folder / name, step)
        return step

    def all(self) -> Iterator[Step]:
        """Every step, the newest first."""
        for id in reversed(self.ids()):
            step = self.read(id)
            if step is not None:
                yield step

    def drop(self, id: str) -> None:
        """Forgets a step."""
        for name in self._names():
            if _id_of(name) == id:
                with contextlib.suppress(FileNotFoundError):
                    (self._folder / name).unlink()

    def _names(self) -> list[str]:
        return sorted(name for name in os.listdir(self._folder) if _NAME.fullmatch(name))


class StepFile:
    """A step that is being written, a whole line at a time."""

    def __init__(self, path: Path) -> None:
        """OSError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._is_whole = True

    def add(self, *lines: Mapping[str, Any]) -> None:
        """Writes lines. OSError: no room."""
        text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)
        content = text.encode() if self._is_whole else f"\n{text}".encode()
        self._is_whole = False
        if os.write(self._descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._is_whole = True

    def touch(self, path: str, before: State) -> None:
        """A path is about to be changed."""
        self.add({"path": path, "before": before.pack()})

    def move(self, move: Moved) -> None:
        """A folder is about to be renamed."""
        self.add({"moved": [move.path, move.to], "inode": move.inode})

    def stay(self, move: Moved) -> None:
        """It was not."""
        self.add({"stayed": [move.path, move.to], "inode": move.inode})

    def end(self, after: Iterable[tuple[str, State]]) -> None:
        """How it all is now."""
        self.add(*({"path": path, "after": state.pack()} for path, state in after))
        self.add({"end": time.time()})

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self._descriptor)


def _id_of(name: str) -> str:
    return name[21:]


def files_of(step: Step) -> Iterator[str]:
    """The files of the store that it needs."""
    for change in step.changes:
        if isinstance(change, Touched) and change.before.object:
            yield file_of(change.before.object, change.before.place)


def _read(path: Path, before: Step | None) -> Step | None:
    """What a file says, after what an earlier one of the same step has said."""
    changes: list[Change] = list(before.changes) if before else []
    after: dict[str, State] = dict(before.after) if before else {}
    head: dict[str, Any] = {}
    ended = before.ended if before else None
    for line in _lines(path):
        match line:
            case {"step": _}:
                head = line
            case {"path": name, "before": state}:
                changes.append(Touched(name, unpack_state(state)))
                ended = None
            case {"moved": [name, to], "inode": inode}:
                changes.append(Moved(name, to, inode))
                ended = None
            case {"stayed": [name, to], "inode": inode}:
                _remove_last(changes, Moved(name, to, inode))
            case {"path": name, "after": state}:
                after[name] = unpack_state(state)
            case {"end": when}:
                ended = float(when)
            case _:
                continue
    if before is not None:
        return Step(
            *(before.id, before.command, before.number, before.time),
            *(_without_failed(changes), after, ended, before.undoes),
        )
    if not head:
        return None
    number = int(path.name[:20])
    known = (str(head["step"]), str(head["command"]), number, float(head["time"]))
    return Step(*known, _without_failed(changes), after, ended, str(head["undoes"]))


def _remove_last(changes: list[Change], change: Change) -> None:
    for place in reversed(range(len(changes))):
        if changes[place] == change:
            del changes[place]
            return


def _without_failed(changes: Iterable[Change]) -> tuple[Change, ...]:
    """A folder that is to be moved once more from where it was, had not been."""
    found: list[Change] = []
    again: set[tuple[str, int]] = set()
    for change in reversed(tuple(changes)):
        if isinstance(change, Moved):
            if (change.path, change.inode) in again:
                continue
            again = {one for one in again if one[1] != change.inode}
            again.add((change.path, change.inode))
        found.append(change)
    return tuple(reversed(found))


def _lines(path: Path) -> Iterator[Any]:
    try:
        content = path.read_bytes()
    except OSError:
        return
    for line in content.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):
            yield json.loads(line)
