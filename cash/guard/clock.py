"""What time it is, for those who hold claims."""

from __future__ import annotations

import time
from functools import cache

from cash.guard.claim import Moment


def read_clock() -> Moment:
    """Now. Time goes on while the machine sleeps, and does not jump when its clock is set."""
    return Moment(time.clock_gettime(time.CLOCK_BOOTTIME), time.time(), _machine())


@cache
def _machine() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
