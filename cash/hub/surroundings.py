"""What the lock table asks about the repository a person's git works in: looked up by that very
git, in that person's environment, and only when it is asked."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from cash.faults import MachineFault

# Where HEAD is detached, the branch that comes back in the end.
_REBASING: Final = ("rebase-merge/head-name", "rebase-apply/head-name")
# What stands in HEAD where refs are not files.
_NOT_HERE: Final = "refs/heads/.invalid"


@dataclass(frozen=True, slots=True)
class Place:
    """git_directory: the worktree's own. common_dir: what all worktrees share."""

    git_directory: Path
    common_dir: Path


class RealSurroundings:
    """The surroundings of a git command (cash.hub.lock_table.Surroundings)."""

    def __init__(self, words: Sequence[str]) -> None:
        """words: the options before the operation that choose the repository."""
        self._words = tuple(words)

    @cached_property
    def place(self) -> Place | None:
        """None where git finds no repository."""
        asked = ("rev-parse", "--path-format=absolute", "--absolute-git-dir", "--git-common-dir")
        lines = self._ask(*asked).splitlines()
        return Place(Path(lines[0]), Path(lines[1])) if len(lines) == 2 else None

    def branch(self) -> str:
        """The branch in full, "" where there is none."""
        if self.place is None:
            return ""
        text = _read(self.place.git_directory / "HEAD")
        if text.startswith("ref: "):
            name = text.removeprefix("ref: ")
            return name if name != _NOT_HERE else self._ask("symbolic-ref", "-q", "HEAD").strip()
        found = (_read(self.place.git_directory / name) for name in _REBASING)
        return next((name for name in found if name.startswith("refs/")), "")

    def values(self, key: str) -> tuple[str, ...]:
        """All values of a configuration key."""
        return self._config.get(key, ())

    def remotes(self) -> frozenset[str]:
        """The names of the configured remotes."""
        return frozenset(
            key.split(".", 1)[1].rpartition(".")[0]
            for key in self._config
            if key.startswith("remote.") and key.count(".") > 1
        )

    def has_branch(self, name: str) -> bool:
        """Whether refs/heads/<name> is there."""
        return bool(self._ask("rev-parse", "--verify", "-q", f"refs/heads/{name}"))

    def has_program(self, name: str) -> bool:
        """Whether there is a program git-<name>."""
        return shutil.which(f"git-{name}") is not None

    @cached_property
    def _config(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for entry in self._ask("config", "-z", "--list").split("\0")[:-1]:
            key, has_value, value = entry.partition("\n")
            found[key] = (*found.get(key, ()), value if has_value else "true")
        return found

    def _ask(self, *words: str) -> str:
        """What git answers, "" where it fails."""
        try:
            ran = subprocess.run(
                ["git", *self._words, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except FileNotFoundError as missing:
            raise MachineFault("git is not installed", hint="apt install git") from missing
        return os.fsdecode(ran.stdout) if ran.returncode == 0 else ""


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return os.fsdecode(path.read_bytes()).strip()
    return ""
