"""One epoll loop: what a keeper waits for, in one place, without threads."""

from __future__ import annotations

import heapq
import itertools
import select
import time
import traceback
from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
Handler = Callable[[int], None]


class Loop:
    """Calls a handler with the epoll events of its descriptor; calls timers when they are due."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._first: set[int] = set()
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def watch(
        self, descriptor: int, handler: Handler, events: int = READ, *, first: bool = False
    ) -> None:
        """Starts watching; forget() before closing the descriptor. first: what comes here is
        handled before all else that has come by then."""
        self._epoll.register(descriptor, events)
        self._handlers[descriptor] = handler
        if first:
            self._first.add(descriptor)

    def change(self, descriptor: int, events: int) -> None:
        """Watches for other events from now on."""
        self._epoll.modify(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """Stops watching; fine when it was not watched."""
        if self._handlers.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)
            self._first.discard(descriptor)

    def call_later(self, seconds: float, action: Callable[[], object]) -> None:
        """Calls `action` once, not before `seconds` have passed."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), action))

    def run_once(self) -> None:
        """Waits for something and handles all that has come."""
        found = self._epoll.poll(self._patience())
        if len(found) > 1:
            # epoll's order is not that in which things came: what was ready once stays in front.
            found.sort(key=lambda one: one[0] not in self._first)
        for descriptor, events in found:
            # An earlier handler of this round may have closed it.
            if handler := self._handlers.get(descriptor):
                handler(events)
        if not self._timers:
            return
        # Not those that are set meanwhile: hundreds that come again and again (writers of a fifo)
        # would keep everything else waiting for ever.
        now, due = time.monotonic(), []
        while self._timers and self._timers[0][0] <= now:
            due.append(heapq.heappop(self._timers)[2])
        for action in due:
            try:
                action()
            except Exception:  # once only, and no reason to let all go that is kept
                traceback.print_exc()

    def _patience(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - time.monotonic())
