"""One git operation under the eyes of the lock table: its words, and what they depend on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cash.hub.git_line import Options, normal_key, read_options
from cash.hub.levels import CONFIG, WORKTREES, Need, branch_ref, reading, writing

_NO: Final = frozenset(("false", "no", "off", "0", ""))
# git-check-ref-format(1), and what names a commit rather than a branch.
_NO_BRANCH: Final = re.compile(
    r"-|@|.*@\{|.*[\x00-\x20\x7f~^:?*\[\\]|.*\.\.|(?:.*/)?\.|.*//|.*\.lock$|.*[./]$|[0-9a-f]{7,64}$"
)


class Surroundings(Protocol):
    """What the words of a command depend on. Looked up only when it is asked for."""

    def branch(self) -> str:
        """The branch that HEAD is on, or that is being rebased, in full; "" when there is none."""

    def values(self, key: str) -> tuple[str, ...]:
        """All values of a configuration key, as `git config --list` spells it."""

    def remotes(self) -> frozenset[str]:
        """The names of the configured remotes."""

    def has_branch(self, name: str) -> bool:
        """Whether refs/heads/<name> is there."""

    def has_program(self, name: str) -> bool:
        """Whether there is a program git-<name>, which goes before an alias of that name."""


@dataclass(frozen=True, slots=True)
class Case:
    """settings: the command's own `-c`, which win."""

    operation: str
    words: tuple[str, ...]
    settings: Mapping[str, str]
    around: Surroundings

    def options(self, valued: str = "") -> Options:
        """The words, read. valued: as in read_options."""
        return read_options(self.words, valued)

    def values(self, key: str) -> tuple[str, ...]:
        """All values in effect."""
        own = self.settings.get(normal_key(key))
        return self.around.values(normal_key(key)) + (() if own is None else (own,))

    def setting(self, key: str) -> str:
        """The value in effect, in lower case; "" where none is set."""
        return (self.values(key) or ("",))[-1].lower()

    def is_on(self, key: str) -> bool:
        """Whether a switch is on."""
        return self.setting(key) not in _NO

    def own_branch(self) -> Need:
        """For a command that moves the branch HEAD is on; a detached HEAD is nobody else's."""
        return writing(*filter(None, (self.around.branch(),)))

    def with_sub(self) -> tuple[str, Case]:
        """The subcommand, and the case without it; "" where an option or nothing comes first."""
        if not self.words or self.words[0].startswith("-"):
            return "", self
        return self.words[0], Case(self.operation, self.words[1:], self.settings, self.around)


def create(case: Case, options: Options, name: str, start: Sequence[str]) -> Need:
    """A branch that is made or moved, with the tracking git would write for it."""
    made = writing(branch_ref(name), shared=[WORKTREES])
    return made | writing(CONFIG) if _tracks(case, options, start[:1]) else made


def enter(case: Case, name: str, *, guess: bool) -> Need:
    """A branch that is checked out. One that is not there, git may make from a remote's."""
    if not may_be_branch(name) or not guess or case.around.has_branch(name):
        return reading(WORKTREES)
    return writing(branch_ref(name), CONFIG, shared=[WORKTREES])


def may_be_branch(name: str) -> bool:
    """Whether there can be a branch of that name."""
    return _NO_BRANCH.match(name) is None


def _tracks(case: Case, options: Options, start: Sequence[str]) -> bool:
    if options.has("-t", "--track"):
        return True
    setup = case.setting("branch.autoSetupMerge") or "true"
    if options.says("--no-track") or setup in _NO:
        return False
    if setup == "always" or (start and setup == "inherit"):
        return True
    return bool(start) and _is_remotes(case, start[0])


def _is_remotes(case: Case, start: str) -> bool:
    """Whether the name may stand for a remote's branch."""
    if "@{" in start or start.startswith(("refs/remotes/", "remotes/")):
        return True
    if start.startswith("refs/"):
        return not start.startswith(("refs/heads/", "refs/tags/"))
    return start.split("/")[0] in case.around.remotes()
