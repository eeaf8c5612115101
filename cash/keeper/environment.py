"""What of a program's environment polisd is told: what an agent's own programs put there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cash.keeper.gits import is_git, is_gits_own
from cash.keeper.image import Image
from cash.keeper.target import parent_of, program_of

# How git is configured, and what else is loaded into it. What other variables say is judged where
# a line sets them.
_TOLD: Final = (b"GIT_", b"LD_")
_MOST_TOLD: Final = 4096  # bytes of a git's own words


@dataclass(frozen=True, slots=True)
class OwnEnvironment:
    """given: NAME=value, as every command of the walls gets it."""

    given: frozenset[bytes]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> OwnEnvironment:
        """From the walls' variables."""
        return cls(frozenset(os.fsencode(f"{name}={value}") for name, value in variables.items()))

    def told(self, pid: int, image: Image) -> list[bytes]:
        """The entries that tell something about how `image` is configured."""
        found = [
            entry
            for entry in image.environment
            if entry.startswith(_TOLD) and entry not in self.given and not is_gits_own(entry)
        ]
        # git hands what its own words said to the gits it starts: it was judged with them.
        return [] if found and is_started_by_git(pid) else found


def is_started_by_git(pid: int) -> bool:
    """Whether its parent is the system's git."""
    return is_git(program_of(parent_of(pid)))


def words_of_git(pid: int) -> tuple[bytes, ...]:
    """The first words of a process that is the system's git, else (). Asked while it waits to
    become another program: a hook that git has started is no git any more, whoever its parent."""
    if not is_git(program_of(pid)):
        return ()
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return tuple(file.read(_MOST_TOLD).split(b"\0"))
    except OSError:
        return ()
