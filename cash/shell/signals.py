"""Signals as bytes on a pipe, so that one loop waits for everything."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# What a client hands on to the command it stands for.
FORWARDED = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTERM,
    signal.SIGCONT,
    signal.SIGTSTP,
    signal.SIGWINCH,
)


@contextmanager
def caught(numbers: Sequence[signal.Signals]) -> Iterator[int]:
    """While inside, each of `numbers` that arrives is one byte to read from the descriptor.
    What the caller ignores (nohup, a background list) stays ignored."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    before = {}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        for number in numbers:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, _note)
        yield reading
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        os.close(reading)
        os.close(writing)


def read_signals(reading: int) -> tuple[signal.Signals, ...]:
    """The signals that have arrived, in their order."""
    try:
        return tuple(signal.Signals(number) for number in os.read(reading, 256))
    except BlockingIOError:
        return ()


def _note(_number: int, _frame: object) -> None:
    """The wakeup descriptor already says which signal it was."""


def die_of(number: int) -> None:
    """Ends this process by the signal itself: a caller's shell stops its loop at Ctrl-C only
    when the child died of it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def stop_self() -> None:
    """Stops this process as Ctrl-Z does; returns when it is continued."""
    os.kill(os.getpid(), signal.SIGSTOP)
