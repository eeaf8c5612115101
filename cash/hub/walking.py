"""Walking through a tree that an agent made: it may be thousands of folders deep, which os.walk and
shutil.rmtree do not survive (they call themselves for each)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_SECONDS = 600.0
_LONGEST = 4096  # PATH_MAX, the NUL at its end included


def walk(top: str | Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder at and below `top`, through no link, with the names of what is no folder. What
    cannot be read, or is too deep to be named, is left out."""
    left = [os.fspath(top)]
    while left:
        folder = left.pop()
        names: list[str] = []
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if len(os.fsencode(entry.path)) >= _LONGEST:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                else:
                    names.append(entry.name)
        yield folder, names


def remove_tree(top: Path) -> None:
    """As far as it can be; never raises."""
    try:
        shutil.rmtree(top, ignore_errors=True)
    except RecursionError:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            words = ("rm", "-rf", "--", os.fspath(top))
            subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
