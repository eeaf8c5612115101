"""Processes that wait for a person, each as a small program of its own (standins.waiter)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cash.keeper.image import Image
from cash.keeper.loop import Loop
from cash.keeper.standins import answer_text


@dataclass(slots=True)
class _Waiter:
    """answer: where it reads what was said. allowed: it may become what it stands for, once."""

    number: int
    image: Image
    answer: int
    allowed: bool = False


class Waiting:
    """See the module. tell: says something to polisd."""

    def __init__(self, loop: Loop, tell: Callable[[dict[str, Any]], bool]) -> None:
        self._loop = loop
        self._tell = tell
        self._waiters: dict[int, _Waiter] = {}

    def add(self, number: int, pid: int, image: Image, answer: int) -> None:
        """A process that waits for the answer to `number`."""
        self._waiters[pid] = _Waiter(number, image, answer)
        self._watch(pid, lambda: self._ended(pid))

    def watch_end(self, pid: int, number: int) -> None:
        """Tells polisd when the process has ended: what was granted to it ends then."""
        self._watch(pid, lambda: self._tell({"over": number}))

    def settle(self, values: dict[str, Any]) -> None:
        """What a person said to `number`: the waiter hears it, whoever else does not."""
        for pid, waiter in self._waiters.items():
            if waiter.number == values["number"] and waiter.answer >= 0:
                word = str(values["verdict"])
                text = str(values.get("text") or "")
                said = answer_text(word, text, int(values.get("status") or 0))
                with contextlib.suppress(OSError):
                    os.write(waiter.answer, said)
                os.close(waiter.answer)
                waiter.answer = -1
                waiter.allowed = word == "allow"
                if values.get("until_it_ends"):
                    self.watch_end(pid, waiter.number)
                return

    def end_all(self, text: str, status: int) -> None:
        """Nobody will answer any more."""
        for waiter in list(self._waiters.values()):
            self.settle(
                {"number": waiter.number, "verdict": "refuse", "text": text, "status": status}
            )

    def is_allowed(self, pid: int, image: Image) -> bool:
        """Whether this is just what a person let the waiting process become; asked once."""
        waiter = self._waiters.get(pid)
        if waiter is None or not waiter.allowed:
            return False
        waiter.allowed = False
        return image.key == waiter.image.key

    def _ended(self, pid: int) -> None:
        waiter = self._waiters.pop(pid)
        if waiter.answer >= 0:
            os.close(waiter.answer)
            self._tell({"abandoned": waiter.number})

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
