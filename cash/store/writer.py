"""The one thread that writes the journal; whatever waits is committed together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from cash.faults import Fault
from cash.store.event import Encoded, Entry, Event, encode_event
from cash.store.journal import Journal

Follower = Callable[[tuple[Entry, ...]], object]

# A commit costs one fsync whatever it holds; this only bounds how long the first one waits.
_LARGEST_COMMIT = 4096
# How long events for which nobody waits are gathered: two fsyncs for each of them would take
# polisd more time than all else that it does for a lock.
_GATHER_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class _Submitted:
    event: Encoded
    answer: Future[int]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Something to do between two commits."""

    task: Callable[[], int]
    answer: Future[int]


class Writer:
    """Takes events from any thread. Futures are resolved in the writing thread, when the event
    is on the disk; asyncio callers use asyncio.wrap_future."""

    def __init__(self, journal: Journal) -> None:
        """Takes the journal over; it belongs to the writing thread from now on."""
        self._journal = journal
        self._waiting: deque[_Submitted | _Asked] = deque()
        self._changed = threading.Condition()
        self._followers: tuple[Follower, ...] = ()
        # Whether somebody waits for what waits here.
        self._hurried = False
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, key: Path | None = None) -> Writer:
        """A writer of the journal in the file; see Journal.open."""
        return cls(Journal.open(path, key))

    def submit(self, event: Event) -> Future[int]:
        """The future of the event's id, resolved once it is on the disk, or failed with a
        Fault (nothing of it is kept then). A known key gets the first event's id."""
        return self._submit(event, hurry=True)

    def note(self, event: Event) -> None:
        """The same where nobody waits for it: it may wait a moment for others, in its turn."""
        self._submit(event, hurry=False)

    def _submit(self, event: Event, *, hurry: bool) -> Future[int]:
        answer: Future[int] = Future()
        # Nobody can call it off: what happened is journaled, whoever still waits for it.
        answer.set_running_or_notify_cancel()
        try:
            encoded = encode_event(event)
        except Fault as fault:
            answer.set_exception(fault)
            return answer
        return self._put(_Submitted(encoded, answer), hurry=hurry)

    def prune(self, before: float, *, even_if_broken: bool = False) -> Future[int]:
        """Journal.prune, in turn."""

        def task() -> int:
            return self._journal.prune(before, even_if_broken=even_if_broken)

        return self._put(_Asked(task, Future()))

    def flush(self) -> None:
        """Returns when everything submitted before has been answered and the head is level."""
        self._put(_Asked(lambda: int(self._journal.mark_head()), Future())).result()

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Calls it in the writing thread after each commit with the new entries, in order,
        until the function returned is called or it raises. It must be quick
        (loop.call_soon_threadsafe). To miss none, follow first, then read what is there, and
        pass over ids seen already."""
        with self._changed:
            self._followers = (*self._followers, follower)

        def stop() -> None:
            with self._changed:
                self._followers = tuple(one for one in self._followers if one is not follower)

        return stop

    def close(self) -> None:
        """Writes what was submitted, then lets go of the file. What comes later is a Fault."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _put(self, item: _Submitted | _Asked, *, hurry: bool = True) -> Future[int]:
        with self._changed:
            if self._closed:
                item.answer.set_exception(Fault("the journal is closed"))
                return item.answer
            self._waiting.append(item)
            self._hurried |= hurry
            if hurry or len(self._waiting) == 1:
                self._changed.notify()
        return item.answer

    def _work(self) -> None:
        while items := self._take():
            match items[0]:
                case _Asked(task, answer):
                    _resolve(answer, task)
                case _Submitted():
                    self._commit([item for item in items if isinstance(item, _Submitted)])
        self._journal.close()

    def _take(self) -> list[_Submitted | _Asked]:
        """What waits, in order: one task, or events up to the next task; [] at the end."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            self._gather()
            items: list[_Submitted | _Asked] = []
            while self._waiting and len(items) < _LARGEST_COMMIT:
                if isinstance(self._waiting[0], _Asked) and items:
                    break
                items.append(self._waiting.popleft())
                if isinstance(items[-1], _Asked):
                    break
            self._hurried = bool(self._waiting)
            return items

    def _gather(self) -> None:
        """Waits for more, as long as nobody waits for what is there."""
        until = time.monotonic() + _GATHER_SECONDS
        while not (self._hurried or self._closed or len(self._waiting) >= _LARGEST_COMMIT):
            left = until - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(left)

    def _commit(self, items: Sequence[_Submitted]) -> None:
        try:
            placed = self._journal.commit([item.event for item in items])
        except Exception as error:  # whatever it is, those who wait must hear of it
            for item in items:
                item.answer.set_exception(error)
            return
        for item, (number, _) in zip(items, placed, strict=True):
            item.answer.set_result(number)
        # The head may be late: it is behind until then, which verify understands.
        self._journal.mark_head()
        self._tell(
            tuple(
                item.event.entry(number)
                for item, (number, new) in zip(items, placed, strict=True)
                if new and self._followers
            )
        )

    def _tell(self, entries: tuple[Entry, ...]) -> None:
        if not entries:
            return
        for follower in self._followers:
            try:
                follower(entries)
            except Exception:  # a reader that went away must not stop the journal
                with self._changed:
                    self._followers = tuple(one for one in self._followers if one is not follower)


def _resolve(answer: Future[int], task: Callable[[], int]) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        result = task()
    except Exception as error:
        answer.set_exception(error)
    else:
        answer.set_result(result)
