"""Gits that move the tree, while they do.

A checkout that is refused one file in its middle ends as if it had gone well, and the next
`commit -a` commits the old content as a change (seen). So such a git is judged before it starts,
and not by the files it then writes. Any other git is a program like all: `git diff --output=FILE`
writes what it is told to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Final

from cash.keeper.image import Image
from cash.keeper.target import leader_of, parent_of, program_of

_MOVING: Final = frozenset(
    (
        *(b"am", b"bisect", b"checkout", b"checkout--worker", b"cherry-pick", b"clone", b"merge"),
        *(b"mv", b"pull", b"read-tree", b"rebase", b"reset", b"restore", b"revert", b"rm"),
        *(b"sparse-checkout", b"stash", b"submodule", b"switch", b"worktree", b"clean"),
    )
)
# Options before the operation that have a value of their own (git(1)).
_VALUED: Final = frozenset(
    (
        *(b"-C", b"-c", b"--git-dir", b"--work-tree", b"--namespace", b"--exec-path"),
        *(b"--config-env", b"--attr-source", b"--super-prefix"),
    )
)
# Variables that make no git write anywhere else; any other of git's or the loader's may.
_HARMLESS: Final = (
    *(b"GIT_AUTHOR_", b"GIT_COMMITTER_", b"GIT_EDITOR=", b"GIT_SEQUENCE_EDITOR=", b"GIT_PAGER="),
    *(b"GIT_TERMINAL_PROMPT=", b"GIT_REFLOG_ACTION=", b"GIT_MERGE_AUTOEDIT=", b"GIT_ASKPASS="),
    *(b"GIT_OPTIONAL_LOCKS=", b"GIT_SSL_CAINFO=", b"GIT_CONFIG_NOSYSTEM="),
)
_CHANGING: Final = (b"GIT_", b"LD_")
_PLACES: Final = re.compile(r"/usr/(local/)?(bin|lib/git-core|libexec/git-core)/git[\w.-]*")


class Gits:
    """The pids of gits that move the tree. given: the variables that every command has. changed:
    told which they are now."""

    def __init__(
        self, given: frozenset[bytes], changed: Callable[[list[int]], None] = lambda _: None
    ) -> None:
        self._given = given
        self._changed = changed
        self._moving: set[int] = set()

    @property
    def are_there(self) -> bool:
        """Whether there were any of late."""
        return bool(self._moving)

    def take_up(self, pids: Iterable[int]) -> None:
        """Those that an earlier keeper knew."""
        self._moving = set(pids)
        self._changed(sorted(self._moving))

    def started(self, pid: int, image: Image) -> None:
        """A process has become this program."""
        is_moving = is_git(image.file) and operation_of(image.argv) in _MOVING
        if is_moving and (self._is_plain(image) or self._is_part(pid)):
            self._moving.add(pid)
        elif pid in self._moving:
            self._moving.remove(pid)
        else:
            return
        self._changed(sorted(self._moving))

    def _is_part(self, pid: int) -> bool:
        """Whether a git that moves the tree has started it, for its own work."""
        parent = parent_of(pid)
        return parent in self._moving and is_git(program_of(parent))

    def _is_plain(self, image: Image) -> bool:
        """Whether nothing around it says where else it is to write, or what else to run."""
        return not any(
            entry.startswith(_CHANGING)
            and not entry.startswith(_HARMLESS)
            and entry not in self._given
            and not is_gits_own(entry)
            for entry in image.environment
        )

    def moves(self, tid: int, program: str) -> bool:
        """Whether a thread that runs `program` is of a git that moves the tree. A number that was
        given to another process since is that of another program, or was looked at anew."""
        if not is_git(program):
            return False
        return tid in self._moving or leader_of(tid) in self._moving


def is_git(program: str) -> bool:
    """Whether a path inside is the system's git."""
    return _PLACES.fullmatch(program) is not None


def is_gits_own(entry: bytes) -> bool:
    """A variable that git itself hands to what it starts."""
    name, _, value = entry.partition(b"=")
    return name == b"GIT_EXEC_PATH" and value.startswith((b"/usr/", b"/bin/"))


def operation_of(argv: tuple[bytes, ...]) -> bytes:
    """What a git does, as git finds it: by the name it is called, then by its words."""
    name = os.path.basename(argv[0]) if argv else b""
    if name != b"git":
        return name[4:] if name.startswith(b"git-") else b""
    words = iter(argv[1:])
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif not word.startswith(b"-"):
            return word
    return b""
