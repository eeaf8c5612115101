"""One lock that is fair and shareable: two files, a gate and the lock itself, both by flock.

flock alone lets readers that come and go starve a writer for ever, and asking again and again
gives the lock to whoever asks most. Here each takes the gate first, waits behind it for the lock,
and opens the gate again once it has it: first come, first served. A dead holder's lock goes with
its last descriptor.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

# How long one that waits for the lock alone keeps the gate shut: behind it everybody waits, also
# those who could share the lock with its holder.
_SHUT_SECONDS: Final = 2.0
# And then open. The kernel wakes who waits in flock, but gives the gate to whoever asks first: that
# would be the one that has just opened it.
_OPEN_SECONDS: Final = 0.05


@dataclass(slots=True)
class _Waiter:
    """A thread that sleeps in flock, which cannot be told to give up: who gave up waiting leaves
    it behind, and it lets go as soon as it has the lock."""

    descriptor: int
    mode: int
    done: threading.Event = field(default_factory=threading.Event)
    error: OSError | None = None
    left: bool = False
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        threading.Thread(target=self._sleep, name="flock", daemon=True).start()

    def _sleep(self) -> None:
        try:
            fcntl.flock(self.descriptor, self.mode)
        except OSError as fault:
            self.error = fault
        with self._turn:
            if self.left:
                os.close(self.descriptor)
            self.done.set()

    def wait(self, until: float) -> bool:
        """Whether it has the lock by then. Raises OSError when it cannot have it."""
        has = self.done.wait(max(0.0, until - time.monotonic()))
        if self.error is not None:
            raise self.error
        return has

    def leave(self) -> None:
        """Nobody waits for it any more; its descriptor is closed sooner or later."""
        with self._turn:
            self.left = True
            if self.done.is_set():
                os.close(self.descriptor)


def acquire(open_file: Callable[[str], int], name: str, *, alone: bool, deadline: float) -> int:
    """The descriptor that holds the lock `name`. open_file: opens a file of the locks' folder.
    deadline: of the monotonic clock. Raises TimeoutError, and OSError where files cannot be
    opened."""
    while True:
        held = _pass(open_file, name, alone=alone, deadline=deadline)
        # Files go when polis is taken away: a lock on one that nobody finds any more holds nobody.
        if os.fstat(held).st_nlink:
            return held
        os.close(held)


def release(held: int) -> None:
    """Lets go, also where a program that git has left behind keeps the descriptor."""
    with contextlib.suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_UN)
    os.close(held)


def _pass(open_file: Callable[[str], int], name: str, *, alone: bool, deadline: float) -> int:
    mode = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    waiter: _Waiter | None = None
    try:
        while True:
            with _gate(open_file, name, deadline):
                if waiter is None:
                    waiter = _begin(open_file(name), mode)
                soon = time.monotonic() + _SHUT_SECONDS if alone else deadline
                if waiter.wait(min(soon, deadline)):
                    held, waiter = waiter.descriptor, None
                    return held
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{name} stays busy")
            time.sleep(_OPEN_SECONDS)
    finally:
        if waiter is not None:
            waiter.leave()


@contextlib.contextmanager
def _gate(open_file: Callable[[str], int], name: str, deadline: float) -> Iterator[None]:
    waiter = _begin(open_file(f"{name}.gate"), fcntl.LOCK_EX)
    try:
        if not waiter.wait(deadline):
            raise TimeoutError(f"{name} stays busy")
        yield
    finally:
        waiter.leave()


def _begin(descriptor: int, mode: int) -> _Waiter:
    """Takes it at once where it is free: a thread costs more than the lock."""
    waiter = _Waiter(descriptor, mode)
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        waiter.begin()
    except OSError:
        os.close(descriptor)
        raise
    else:
        waiter.done.set()
    return waiter
