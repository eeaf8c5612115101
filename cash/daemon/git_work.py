"""What git starts for its own work: judged with the git that was asked for it.

`git gc` prunes, `git stash` resets, `git pull` rebases, each by a git of its own. Rules speak of
these where somebody asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cash.keeper.faces import Face
from cash.keeper.gits import is_git

_ENDS: Final = frozenset(("git-receive-pack", "git-upload-pack", "git-upload-archive"))
_SHELL: Final = re.compile(r"(?:/usr)?/bin/(?:sh|bash|dash|busybox)")
_TRANSPORT: Final = re.compile(r"git-(?:receive-pack|upload-pack|upload-archive) '[^']*'")
# Operations that start other gits (git 2.45), and none that they were given: `bisect run`,
# `for-each-repo` and `submodule foreach` start what they are told to, an alias what it stands for.
_WORKING: Final = frozenset(
    (
        *("am", "bundle", "checkout", "cherry-pick", "clone", "commit", "fetch", "fetch-pack"),
        *("gc", "maintenance", "merge", "prune", "pull", "push", "rebase", "receive-pack"),
        *("repack", "revert", "send-pack", "sparse-checkout", "stash", "switch", "worktree"),
    )
)
# What they start that rules speak of; a push is never among it.
_STARTED: Final = frozenset(
    (
        *("am", "branch", "checkout", "clean", "commit", "fetch", "gc", "index-pack", "merge"),
        *("maintenance", "pack-objects", "prune", "prune-packed", "read-tree", "rebase", "reflog"),
        *("repack", "reset", "send-pack", "symbolic-ref", "unpack-objects", "update-ref"),
        *("worktree",),
    )
)
# Of `submodule update`; with --force it takes away what a submodule's tree holds.
_UPDATING: Final = re.compile(
    r"--(?:quiet|progress|remote|recursive|init|require-init|no-fetch|rebase|merge|checkout"
    r"|dissociate|(?:no-)?single-branch|(?:no-)?recommend-shallow"
    r"|(?:jobs|depth|filter|reference)=.*)"
)
_GLOBAL_VALUES: Final = frozenset(
    ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source")
)


def is_other_end(face: Face, *, by_git: bool, surprise: bool) -> bool:
    """Whether it is the other end of a fetch or push that git itself has started, by a shell or
    without: it does nothing but what it is told in git's own protocol. What counts is the file:
    anything may be called by these names."""
    words = _texts(face)
    if len(words) > 2 and words[1] == "-c":
        is_told = _TRANSPORT.fullmatch(words[2]) is not None
        return is_told and by_git and _SHELL.fullmatch(face.resolved) is not None
    name = f"git-{words[1]}" if face.program == "git" and len(words) > 1 else face.program
    return name in _ENDS and (by_git or surprise) and is_git(face.resolved)


def is_own_work(face: Face, starter: Sequence[str]) -> bool:
    """Whether it is part of what another git does. starter: the words of the system's git that
    has started it, none if it was something else."""
    if face.program != "git" or not is_git(face.resolved):
        return False
    is_working = operation_of(starter) in _WORKING or _is_updating(starter)
    return is_working and operation_of(_texts(face)) in _STARTED


def _is_updating(starter: Sequence[str]) -> bool:
    """Whether it is a `git submodule update` that forces nothing."""
    if operation_of(starter) != "submodule--helper":
        return False
    words = list(starter[starter.index("submodule--helper") + 1 :])
    options = words[1 : words.index("--") if "--" in words else None]
    return words[:1] == ["update"] and all(
        _UPDATING.fullmatch(word) for word in options if word.startswith("-")
    )


def operation_of(words: Sequence[str]) -> str:
    """The operation of a git command, "" when there is none."""
    if not words:
        return ""
    name = words[0].rpartition("/")[2]
    if name.startswith("git-"):
        return name[4:]
    place = 1
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in _GLOBAL_VALUES else 1
    return words[place] if place < len(words) else ""


def _texts(face: Face) -> list[str]:
    return [word.decode("utf-8", "replace") for word in face.argv]
