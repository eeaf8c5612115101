"""How many files polisd and keepers may have open: more than the usual, which commands have.

A listener stays open as long as anything that a command left behind, and the next keeper has to
take up all that this one had.
"""

from __future__ import annotations

import contextlib
import resource
from typing import Final

Limits = tuple[int, int]
_MOST: Final = 65536


def allow_descriptors() -> Limits:
    """As many as the system grants; the limits before, for what is forked from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _MOST)), hard))
    return soft, hard


def restore_descriptors(limits: Limits) -> None:
    """What allow_descriptors found."""
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
