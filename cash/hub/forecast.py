"""Whether two branches merge, found out beside every tree: what comes of it, or what conflicts.

`git merge-tree` works in the hub's object store alone. It is told the user's tree, as
.gitattributes there may say how a path is merged, and git merge obeys that.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Final

from cash.faults import MachineFault
from cash.hub.changes import Commit, list_commits
from cash.hub.git import GitFault, last_line
from cash.hub.quick_reads import read_blob_quickly
from cash.hub.repository import Repository
from cash.hub.targets import Target

# git's own words for a kind of conflict, and ours.
_KINDS: Final = {
    "contents": "both changed the same lines",
    "binary": "both changed it, and it is no text",
    "modify/delete": "one changed it, the other deleted it",
    "rename/delete": "one renamed it, the other deleted it",
    "rename/rename": "both renamed it, to other names",
    "directory rename split": "its folder was renamed to several others",
    "file location": "one put it into a folder that the other renamed",
    "directory rename suggested": "one put it into a folder that the other renamed",
    "file/directory": "it is a file here and a folder there",
    "distinct modes": "it became another kind of file on each side",
    "distinct types": "it became another kind of file on each side",
    "submodule": "both moved the submodule",
    "unrelated": "they have no common history",
    "cannot be merged": "git cannot merge them",
}
_MOST_COMMITS = 3
_MOST_LINES = 6
_MOST_HUNKS = 3


def tell_kind(kind: str) -> str:
    """git's word for a kind of conflict in plain ones."""
    return _KINDS.get(kind, kind)


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines both changed. line: where it begins in the merged file, from 1."""

    line: int
    mine: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A file that does not merge. kind: git's word; said: git's sentence. mine, theirs: the last
    commits of each side that touch it. hunks: the first few, of a text."""

    path: str
    kind: str
    said: str
    mine: tuple[Commit, ...]
    theirs: tuple[Commit, ...]
    hunks: tuple[Hunk, ...]

    @property
    def meaning(self) -> str:
        """The kind in plain words."""
        return tell_kind(self.kind)

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "path": self.path,
            "kind": self.kind,
            "said": self.said,
            "mine": [commit.id for commit in self.mine],
            "theirs": [commit.id for commit in self.theirs],
            "hunks": [
                {"line": hunk.line, "mine": list(hunk.mine), "theirs": list(hunk.theirs)}
                for hunk in self.hunks
            ],
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """tree: what the merge gives; with conflicts, it holds their marks."""

    tree: str
    conflicts: tuple[Conflict, ...]


def forecast_merge(repository: Repository, target: Target, head: str) -> Forecast:
    """What merging `head` into the target gives. Raises GitFault (no common history, say), and
    MachineFault where git is older than 2.38."""
    git = replace(repository.git, work_tree=target.tree or repository.root)
    words = ("merge-tree", "--write-tree", "--messages", "-z", target.tip, head)
    status, out, err = git.try_run(*words, cwd=git.work_tree)
    if status == 129:
        raise MachineFault("this git cannot foresee a merge", hint="install git 2.38 or newer")
    if status not in (0, 1):
        raise GitFault(f"the merge cannot be foreseen: {last_line(err)}", stderr=err)
    tree, _, rest = out.partition(b"\0")
    made = tree.decode().strip()
    found = _read_conflicts(rest) if status else []
    return Forecast(
        made,
        tuple(_explain(repository, target.tip, head, made, *conflict) for conflict in found),
    )


def _read_conflicts(out: bytes) -> list[tuple[str, str, str]]:
    """(path, kind, git's sentence), each path and kind once. out: the listed files, an empty
    field, then messages: how many paths, these, the kind, the sentence."""
    _, _, messages = out.partition(b"\0\0")
    fields = [os.fsdecode(field) for field in messages.split(b"\0")[:-1]]
    found: dict[tuple[str, str], str] = {}
    while fields:
        paths = [fields.pop(0) for _ in range(int(fields.pop(0)))]
        word, said = fields.pop(0), " ".join(fields.pop(0).split())
        if word.startswith("CONFLICT"):
            kind = word.removeprefix("CONFLICT (").removesuffix(")")
            found.setdefault((paths[0], kind), said)
    return [(path, kind, said) for (path, kind), said in sorted(found.items())]


def _explain(
    repository: Repository, tip: str, head: str, tree: str, path: str, kind: str, said: str
) -> Conflict:
    mine = list_commits(repository, tip, [head], [path])[:_MOST_COMMITS]
    theirs = list_commits(repository, head, [tip], [path])[:_MOST_COMMITS]
    hunks = _hunks(repository, tree, path) if kind == "contents" else ()
    return Conflict(path, kind, said, mine, theirs, hunks)


def _hunks(repository: Repository, tree: str, path: str) -> tuple[Hunk, ...]:
    out = read_blob_quickly(repository, tree, path)
    if out is None:
        status, out, _ = repository.git.try_run("cat-file", "blob", f"{tree}:{path}")
        if status:
            return ()
    found: list[Hunk] = []
    start, side = 0, ""
    sides: dict[str, list[str]] = {}
    for number, line in enumerate(out.decode(errors="replace").splitlines(), 1):
        match line[:7], side:
            case "<<<<<<<", "":
                start, side, sides = number, "mine", {"mine": [], "base": [], "theirs": []}
            case "|||||||", "mine":
                side = "base"
            case "=======", "mine" | "base":
                side = "theirs"
            case ">>>>>>>", "theirs":
                found.append(Hunk(start, _first(sides["mine"]), _first(sides["theirs"])))
                side = ""
            case _:
                sides.setdefault(side, []).append(line)
    return tuple(found[:_MOST_HUNKS])


def _first(lines: list[str]) -> tuple[str, ...]:
    left = len(lines) - _MOST_LINES
    more = (f"… {left} more lines",) if left > 0 else ()
    return (*lines[:_MOST_LINES], *more)
