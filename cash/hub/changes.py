"""What lies between two commits of the hub: files, lines and commits, and nothing that runs.

External diffs, text converters and filters are off: an agent's .gitattributes could choose one of
the user's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cash.hub.git import Git
from cash.hub.quick_reads import contains_quickly
from cash.hub.repository import Repository

# For every `git diff` of work that an agent did.
PLAIN = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=none")
_KINDS = {"A": "added", "D": "deleted", "M": "modified", "T": "retyped", "R": "renamed"}
_MOST_COMMITS = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A file that differs. kind: added, deleted, modified, retyped (a symlink, say) or renamed;
    before: its path then, for renamed. added, removed: lines, None for what is no text."""

    path: str
    kind: str
    added: int | None
    removed: int | None
    before: str = ""

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "path": self.path,
            "kind": self.kind,
            "added": self.added,
            "removed": self.removed,
            "before": self.before or None,
        }


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its id, who wrote it, and its first line."""

    id: str
    author: str
    subject: str


def list_changes(
    repository: Repository, old: str, new: str, paths: Sequence[str] = ()
) -> tuple[Change, ...]:
    """What changed from one commit or tree to the other, by path. paths: git's pathspecs, seen
    from the top."""
    between = (*PLAIN, "-z", "-M", old, new, "--", *paths)
    kinds = _kinds(repository.git.run("diff", "--name-status", *between))
    counts = _counts(repository.git.run("diff", "--numstat", *between))
    return tuple(
        Change(path, kind, *counts.get(path, (None, None)), before)
        for path, kind, before in sorted(kinds)
    )


def _kinds(out: bytes) -> list[tuple[str, str, str]]:
    """(path, kind, path before) of `--name-status -z`."""
    fields = [os.fsdecode(field) for field in out.split(b"\0")[:-1]]
    found = []
    while fields:
        letter = fields.pop(0)[:1]
        before = fields.pop(0) if letter in "RC" else ""
        found.append((fields.pop(0), _KINDS.get(letter, "modified"), before))
    return found


def _counts(out: bytes) -> dict[str, tuple[int | None, int | None]]:
    """Path → lines added and removed, of `--numstat -z`."""
    fields = out.split(b"\0")[:-1]
    found: dict[str, tuple[int | None, int | None]] = {}
    while fields:
        added, removed, path = fields.pop(0).split(b"\t", 2)
        if not path:  # a renamed file: the old and the new path follow
            _, path = fields.pop(0), fields.pop(0)
        numbers = [None if count == b"-" else int(count) for count in (added, removed)]
        found[os.fsdecode(path)] = (numbers[0], numbers[1])
    return found


def list_commits(
    repository: Repository, wanted: str, without: Iterable[str], paths: Sequence[str] = ()
) -> tuple[Commit, ...]:
    """The commits of `wanted` that `without` does not have, newest first. paths: as they are
    written, of commits that touch these alone."""
    layout = "--format=%H%x00%an%x00%s"
    limits = (f"--max-count={_MOST_COMMITS}", "--no-show-signature")
    out = repository.git.read(
        *("--literal-pathspecs", "log", layout, *limits, wanted, "--not", *without, "--", *paths)
    )
    return tuple(Commit(*line.split("\0", 2)) for line in out.splitlines() if line)


def message_of(repository: Repository, commit: str) -> str:
    """A commit's whole message."""
    return repository.git.read("log", "-1", "--format=%B", "--no-show-signature", commit)


def find_base(repository: Repository, base: str, mine: str, head: str, squashed: str = "") -> str:
    """The commit since which `head` is the agent's own work: where it left what the user has
    (`mine`), where the agent began (`base`), or up to where `mine` has it squashed, whichever is
    later."""
    shared = _merge_base(repository, mine, head)
    own = _merge_base(repository, base, head)
    if not shared or (own and is_ancestor(repository.git, shared, own)):
        shared = own or base
    return squashed if squashed and is_ancestor(repository.git, shared, squashed) else shared


def _merge_base(repository: Repository, one: str, other: str) -> str:
    status, out, _ = repository.git.try_run("merge-base", one, other)
    return out.decode().strip() if status == 0 else ""


def contains(repository: Repository, later: str, commit: str) -> bool:
    """Whether `later` contains `commit`; both by their ids."""
    found = contains_quickly(repository, later, commit)
    return is_ancestor(repository.git, commit, later) if found is None else found


def is_ancestor(git: Git, commit: str, later: str) -> bool:
    """Whether `later` contains `commit`."""
    return git.try_run("merge-base", "--is-ancestor", commit, later)[0] == 0
