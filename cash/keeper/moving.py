"""A folder that is renamed takes along what is in it: each file there is moved from a name to a
name. Else a protected file would be one `mv` of its folder away from everybody."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Final

from cash.keeper.opening import Spot

# So many take a fifth of a second. Whoever moves more is told that it is another file system, and
# moves file by file.
MOST: Final = 20_000


class TooMany(Exception):
    """More files than are looked at."""


def carried(spot: Spot) -> Iterator[str]:
    """What lies below the folder at this spot, by its path from there; nothing if it is none.
    TooMany; OSError when it cannot be looked into, which is no way to hide something in it."""
    count = 0
    try:
        top = os.open(spot.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=spot.folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            return  # a link is moved, not what it leads to
        raise
    try:
        for folder, folders, files, _ in os.fwalk(".", dir_fd=top, onerror=_complain):
            for name in (*folders, *files):
                count += 1
                if count > MOST:
                    raise TooMany
                yield os.path.normpath(os.path.join(folder, name))
    finally:
        os.close(top)


def _complain(fault: OSError) -> None:
    raise fault
