"""Gits that move the tree, while they do.

A checkout that is refused one file in its middle ends as if it had gone well, and the next
`commit -a` commits the old content as a change (seen). So such a git is judged before it starts,
and not by the files it then writes. Any other git is a program like all: `git diff --output=FILE`
writes what it is told to.
"""

from __future__ import annotations

import os
from typing import Final

from cash.keeper.image import Image
from cash.keeper.target import leader_of

_MOVING: Final = frozenset(
    (
        *(b"am", b"bisect", b"checkout", b"checkout--worker", b"cherry-pick", b"clone", b"merge"),
        *(b"mv", b"pull", b"read-tree", b"rebase", b"reset", b"restore", b"revert", b"rm"),
        *(b"sparse-checkout", b"stash", b"submodule", b"switch", b"worktree", b"clean"),
    )
)
# Variables that have git write to a file of the caller's choice.
_TRACES: Final = (b"GIT_TRACE", b"GIT_TR2")
# Options before the operation that have a value of their own (git(1)).
_VALUED: Final = frozenset(
    (b"-C", b"-c", b"--git-dir", b"--work-tree", b"--namespace", b"--exec-path", b"--config-env")
)


class Gits:
    """The pids of gits that move the tree."""

    def __init__(self) -> None:
        self._moving: set[int] = set()

    def started(self, pid: int, image: Image) -> None:
        """A process has become this program."""
        traces = any(entry.startswith(_TRACES) for entry in image.environment)
        if is_git(image.file) and _operation(image.argv) in _MOVING and not traces:
            self._moving.add(pid)
        else:
            self._moving.discard(pid)

    def moves(self, tid: int, program: str) -> bool:
        """Whether a thread that runs `program` is of a git that moves the tree. A number that was
        given to another process since is that of another program, or was looked at anew."""
        if not is_git(program):
            return False
        return tid in self._moving or leader_of(tid) in self._moving


def is_git(program: str) -> bool:
    """Whether a path inside is the system's git."""
    return program.startswith("/usr/") and os.path.basename(program).startswith("git")


def _operation(argv: tuple[bytes, ...]) -> bytes:
    words = iter(argv[1:])
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif not word.startswith(b"-"):
            return word
    return b""
