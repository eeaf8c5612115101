"""How many files a keeper may have open: more than the usual, which its commands have.

A listener stays open as long as anything that a command left behind, and the next keeper has to
take up all that this one had.
"""

from __future__ import annotations

import contextlib
import resource
from typing import Final

_MOST: Final = 65536
# The limits before, for what is forked from here.
_usual: list[tuple[int, int]] = []


def allow_descriptors() -> None:
    """As many as the system grants."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    _usual.append((soft, hard))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _MOST)), hard))


def restore_descriptors() -> None:
    """What everybody has."""
    for usual in _usual:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
