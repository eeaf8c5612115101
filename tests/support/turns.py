"""Tests of two workers beside each other, but for those that keep an eye on the clock: these wait
until nothing runs, and nothing begins before they have ended."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def take_turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Waits for a turn and has it. folder: the same for all workers."""
    with (folder / "gate").open("w") as gate, (folder / "turn").open("w") as turn:
        # Who waits behind the gate to be alone, is not overtaken by who need not be.
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(turn, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            # Not by closing it alone: what a test has forked may have it still.
            fcntl.flock(turn, fcntl.LOCK_UN)
