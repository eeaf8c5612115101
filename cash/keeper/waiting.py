"""Processes that wait for a person, each as a small program of its own (standins.waiter)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cash.keeper.loop import Loop
from cash.keeper.standins import TOO_LONG, answer_text

_REFUSED: Final = 126


@dataclass(slots=True)
class _Waiter:
    """command: below which it is. key: what it stands for. answer: where it reads what was said.
    allowed: it may become that, once."""

    pid: int
    command: str
    key: tuple[object, ...]
    answer: int
    allowed: bool = False


class Waiting:
    """See the module. tell: says something to polisd."""

    def __init__(self, loop: Loop, tell: Callable[[dict[str, Any]], bool]) -> None:
        self._loop = loop
        self._tell = tell
        self._waiters: dict[int, _Waiter] = {}

    def add(
        self, number: int, pid: int, command: str, key: tuple[object, ...], answer: int
    ) -> None:
        """A process below `command` that waits for the answer to `number`. key: what it would
        become."""
        # By number: a process may wait more than once in its life.
        self._waiters[number] = _Waiter(pid, command, key, answer)
        self._watch(pid, lambda: self._ended(number))

    def watch_end(self, pid: int, number: int, command: str) -> None:
        """Tells polisd when the process has ended: what was granted to it, below `command`, ends
        then."""
        self._watch(pid, lambda: self._tell({"over": number, "command": command}))

    def settle(self, values: dict[str, Any]) -> None:
        """What a person said to `number`: the waiter hears it, whoever else does not."""
        number = int(values["number"])
        waiter = self._waiters.get(number)
        if waiter is None or waiter.answer < 0:
            return
        word = str(values["verdict"])
        text = str(values.get("text") or "")
        said = answer_text(word, text, int(values.get("status") or 0))
        if len(said) > fcntl.fcntl(waiter.answer, fcntl.F_GETPIPE_SZ):
            # It may be stopped: what its pipe does not hold would be waited for here.
            said, word = answer_text("refuse", TOO_LONG, _REFUSED), "refuse"
        with contextlib.suppress(OSError):
            os.write(waiter.answer, said)
        os.close(waiter.answer)
        waiter.answer = -1
        waiter.allowed = word == "allow"
        if values.get("until_it_ends"):
            self.watch_end(waiter.pid, number, waiter.command)

    def end_all(self, text: str, status: int) -> None:
        """Nobody will answer any more."""
        for number in list(self._waiters):
            self.settle({"number": number, "verdict": "refuse", "text": text, "status": status})

    def is_allowed(self, pid: int, key: tuple[object, ...]) -> bool:
        """Whether this is just what a person let the waiting process become; asked once."""
        for waiter in self._waiters.values():
            if waiter.pid == pid and waiter.allowed:
                waiter.allowed = False
                return key == waiter.key
        return False

    def _ended(self, number: int) -> None:
        waiter = self._waiters.pop(number)
        if waiter.answer >= 0:
            os.close(waiter.answer)
            self._tell({"abandoned": number})

    def _watch(self, pid: int, action: Callable[[], object]) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            action()
            return

        def ended(_events: int) -> None:
            self._loop.forget(descriptor)
            os.close(descriptor)
            action()

        self._loop.watch(descriptor, ended)
