"""The process beside a keeper that keeps what is about to be changed.

A write waits for it, and nothing else does: reading and copying files takes as long as the disk
takes. It is forked from the keeper when something is changed for the first time, hears what to
keep over a socket, answers when that is done, and ends when the keeper has. When it has nothing
to do, it looks how what a command has changed is in the end, and makes room.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NoReturn

from cash.undo.room import Room
from cash.undo.state import ABSENT, State
from cash.undo.steps import Moved, StepFile
from cash.undo.store import Store, ending
from cash.undo.taking import is_at, look, take
from cash.walls import syscalls

# What is about to become of a path: another content (or none), other metadata, something where
# nothing is yet; a folder's move, to another path.
What = Literal["content", "metadata", "creation", "move"]

_LONGEST: Final = 1 << 16


class Saver:
    """Does what a keeper asks for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ground = store.ground
        self._objects, self._steps = store.open()
        self._room = Room(store.folder, self._objects, self._steps, store.budget.total)
        self._files: dict[str, StepFile] = {}
        self._used: dict[str, int] = {}
        self._moves: dict[str, list[Moved]] = {}
        self._done: dict[str, set[Moved]] = {}
        self._ended: deque[Iterator[None]] = deque()

    def hear(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Does something; what is to be answered, if that is waited for."""
        unsaved = []
        if "ended" in asked:
            self._ended.append(self._finish(str(asked["ended"]), float(asked["time"])))
        else:
            for what, path, *rest in asked["changes"]:
                why = self._note(asked["step"], asked["command"], what, path, rest)
                if why:
                    unsaved.append((path, why))
        return {"number": asked["number"], "unsaved": unsaved} if asked.get("waits") else None

    def _note(self, step: str, command: str, what: What, path: str, rest: Sequence[str]) -> str:
        """Notes one change; why it cannot be taken back, "" if it can."""
        try:
            file = self._files.get(step)
            if file is None:
                file = self._files[step] = self._steps.begin(step, command)
            if step in self._moves:
                self._follow_moves(step, path, file)
            if what == "move":
                move = Moved(path, rest[0], look(self._ground, path).stamp[0])
                file.move(move)
                self._moves.setdefault(step, []).append(move)
                return ""
            before = self._before(step, what, path)
            file.touch(path, before)
        except OSError as fault:
            return (fault.strerror or str(fault)).lower()
        return before.unsaved

    def _follow_moves(self, step: str, path: str, file: StepFile) -> None:
        """Whether a folder was renamed as it was to be: before it is gone, which tells nothing."""
        left = []
        for move in self._moves.pop(step):
            if is_at(self._ground, move.to, move.inode):
                self._done.setdefault(step, set()).add(move)
                continue
            is_there = is_at(self._ground, move.path, move.inode)
            if is_there and f"{path}/".startswith(f"{move.path}/"):
                file.stay(move)
            else:
                left.append(move)
        if left:
            self._moves[step] = left

    def _before(self, step: str, what: What, path: str) -> State:
        if what == "creation":
            return ABSENT
        used = self._used.get(step, 0)
        left = self._store.budget.each - used if what == "content" else None
        state, more = take(self._ground, self._objects, path, left)
        self._used[step] = used + more
        self._room.used += more
        return state

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing left to do until somebody asks."""
        return not self._ended and not self._room.is_short

    def work(self) -> None:
        """A little of what nobody waits for."""
        if self._ended:
            try:
                next(self._ended[0])
            except StopIteration:
                self._ended.popleft()
        elif self._room.is_short:
            self._room.make(set(self._files))

    def _finish(self, id: str, when: float) -> Iterator[None]:
        """How what a step has touched is now, one file at a time."""
        step = self._steps.read(id)
        if step is None:
            return
        file = self._files.pop(id, None) or self._steps.begin(id, step.command)
        with contextlib.suppress(OSError):  # no room: then nobody knows
            yield from ending(self._ground, step, file, when, self._done.get(id, ()))
        file.close()
        self._used.pop(id, None)
        self._moves.pop(id, None)
        self._done.pop(id, None)


def live(link: socket.socket, store: Store) -> NoReturn:
    """The life of a saver, just forked from a keeper of which it needs nothing but this."""
    try:
        syscalls.close_range(3, link.fileno() - 1)
        syscalls.close_range(link.fileno() + 1, 0x7FFFFFFF)
        syscalls.name_process(b"polis-saver")
        # The keeper may be just opening something as its agent.
        syscalls.set_file_ids(os.geteuid(), os.getegid())
        os.umask(0o077)
        serve(link, Saver(store))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def serve(link: socket.socket, saver: Saver) -> None:
    """Until the other side has closed and everything is done."""
    waiting = select.poll()
    waiting.register(link, select.POLLIN)
    is_open = True
    while is_open or not saver.is_idle:
        if is_open and (saver.is_idle or waiting.poll(0)):
            data = link.recv(_LONGEST)
            is_open = bool(data)
            answer = saver.hear(json.loads(data)) if data else None
            if answer is not None:
                with contextlib.suppress(OSError):
                    link.send(json.dumps(answer).encode())
        elif not saver.is_idle:
            saver.work()
