"""A folder that is renamed takes along what is in it: each file there is moved from a name to a
name. Else a protected file would be one `mv` of its folder away from everybody."""

from __future__ import annotations

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
    TooMany."""
    count = 0
    try:
        top = os.open(spot.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=spot.folder)
    except OSError:
        return
    try:
        for folder, folders, files, _ in os.fwalk(".", dir_fd=top):
            for name in (*folders, *files):
                count += 1
                if count > MOST:
                    raise TooMany
                yield os.path.normpath(os.path.join(folder, name))
    finally:
        os.close(top)
