"""The hand inside an agent's walls, as polisd moves it. Its methods block: never in a loop."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable
from typing import Any, Final, TypeGuard

from cash.faults import UNAVAILABLE, USAGE, Fault, MachineFault, UsageFault
from cash.guard.change import Order
from cash.guard.draft import Hashes
from cash.guard.naming import shown
from cash.keeper import messages, scribe
from cash.walls.passing import receive_with

# For one step: 64 MB on a slow disk. An agent can stop the hand.
_PATIENCE: Final = 15.0
# Two paths as JSON has them at worst.
_LONGEST: Final = 64 * 1024
_FAULTS: Final = {USAGE: UsageFault, UNAVAILABLE: MachineFault}


class HandLost(Fault):
    """It was stopped or killed in the middle of its work."""


class RemoteHand:
    """See cash.guard.hand.Hand. end: has the hand hung up, and waits for its end; False: it lives
    on."""

    def __init__(self, link: socket.socket, order: Order, end: Callable[[], bool]) -> None:
        self._link = link
        self._order = order
        self._end = end
        link.settimeout(_PATIENCE)
        with contextlib.suppress(OSError):  # the first step will tell
            scribe.send_order(link, order)

    def find(self) -> tuple[str, ...]:
        """See Hand."""
        found = self._ask("find").get("paths")
        if not _are_texts(found) or len(found) != len(self._order.paths):
            raise self._lost()
        return tuple(found)

    def draft(self) -> Hashes:
        """See Hand."""
        found = self._ask("draft")
        before, after = found.get("before"), found.get("after")
        if not all(one is None or isinstance(one, str) for one in (before, after)):
            raise self._lost()
        return Hashes(before, after)

    def commit(self) -> None:
        """See Hand."""
        self._ask("commit")

    def tidy(self) -> None:
        """See Hand."""
        self._ask("tidy")

    def close(self) -> None:
        """See Hand. HandLost when it does not end, or nobody knows."""
        if self._link.fileno() < 0:
            return
        self._link.close()
        if not self._end():
            raise self._lost()

    def _ask(self, step: str) -> dict[str, Any]:
        try:
            messages.send_packet(self._link, {"do": step})
            values = self._hear()
        except (ValueError, OSError) as fault:
            raise self._lost() from fault
        match values:
            case {"fault": {"message": str(message), "hint": hint, "status": status}}:
                kind = _FAULTS.get(status, Fault)
                raise kind(message, hint=None if hint is None else str(hint))
            case _:
                return values

    def _hear(self) -> dict[str, Any]:
        """Where there are debuggers its agent could speak in its place: a few paths, no files.
        ValueError for anything else."""
        data, descriptors = receive_with(self._link, _LONGEST, 1)
        for descriptor in descriptors:
            os.close(descriptor)
        values = json.loads(data)
        if not isinstance(values, dict):
            raise ValueError("no answer")  # noqa: TRY004
        return values

    def _lost(self) -> HandLost:
        path = shown(self._order.path)
        return HandLost(
            f"{path}: the hand that writes was stopped or killed inside the walls",
            hint="the file is the old one or the new one, whole; read it, then try again",
        )


def _are_texts(found: object) -> TypeGuard[list[str]]:
    return isinstance(found, list) and all(isinstance(one, str) for one in found)
