"""Lock files in an agent's own git directory, seen from outside: no git, no trust."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Where git makes lock files, and how deep it is there; nothing else is looked through.
_PLACES: Final = (
    *((".", 0), ("refs", 16), ("logs", 16), ("worktrees", 3), ("info", 0)),
    *(("objects", 0), ("objects/info", 1)),
)
# In all of them together: an agent can make as many folders as entries.
_MOST_ENTRIES: Final = 20_000
_MOST: Final = 100


def find_locks(git_directory: Path) -> tuple[str, ...]:
    """Their names below the directory, some hundred at most. The agent writes there: no link is
    followed."""
    try:
        root = os.open(git_directory, _FOLDER)
    except OSError:
        return ()
    try:
        budget = iter(range(_MOST_ENTRIES))
        found = (name for place, depth in _PLACES for name in _locks_in(root, place, depth, budget))
        return tuple(itertools.islice(found, _MOST))
    finally:
        os.close(root)


def _locks_in(parent: int, path: str, depth: int, budget: Iterator[int]) -> Iterator[str]:
    try:
        folder = _open_below(parent, path)
    except OSError:
        return
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(budget, entries, strict=False):
                if entry.name.endswith(".lock"):
                    yield os.path.normpath(f"{path}/{entry.name}")
                elif depth and entry.is_dir(follow_symlinks=False):
                    below = _locks_in(folder, entry.name, depth - 1, budget)
                    yield from (os.path.normpath(f"{path}/{name}") for name in below)
    finally:
        os.close(folder)


def _open_below(parent: int, path: str) -> int:
    """The folder, with no link on the way."""
    first, _, rest = path.partition("/")
    folder = os.open(first, _FOLDER, dir_fd=parent)
    if not rest:
        return folder
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, folder)
        return _open_below(folder, rest)
