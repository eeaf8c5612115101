"""What in the user's tree a merge would run over: found before anything is touched.

git merge refuses most of it itself; not an ignored file in the way, which it takes for rubbish
(the .env.local that an agent has committed by mistake).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cash.hub.changes import list_changes
from cash.hub.repository import Repository


@dataclass(frozen=True, slots=True)
class Collisions:
    """changed: files with uncommitted changes that the merge changes too. staged: files whose
    staged changes it would take along. in_the_way: files git does not know, where it puts one."""

    changed: tuple[str, ...] = ()
    staged: tuple[str, ...] = ()
    in_the_way: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.staged or self.in_the_way)


def find_collisions(
    repository: Repository, tree: Path, tip: str, result: str, *, commits: bool
) -> Collisions:
    """Where the uncommitted state of the user's working tree and the step from `tip` to the tree
    `result` meet. commits: the merge makes a commit, which must not hold what was staged for
    another."""
    touched = _touched(repository, tip, result)
    git = replace(repository.git, directory=None)
    status = git.run(
        "status", "--porcelain", "-z", "--no-renames", "--untracked-files=no", cwd=tree
    )
    entries = [(entry[:2], os.fsdecode(entry[3:])) for entry in status.split(b"\0")[:-1]]
    staged = tuple(path for marks, path in entries if marks[:1] != b" ")
    known = {os.fsdecode(path) for path in git.run("ls-files", "-z", cwd=tree).split(b"\0")[:-1]}
    return Collisions(
        changed=tuple(sorted(path for _, path in entries if path in touched)),
        staged=tuple(sorted(staged)) if commits else (),
        in_the_way=tuple(sorted(_in_the_way(tree, touched, known))),
    )


def _touched(repository: Repository, tip: str, result: str) -> dict[str, bool]:
    """Every path that the step changes → whether it is there afterwards."""
    found: dict[str, bool] = {}
    for change in list_changes(repository, tip, result):
        found[change.path] = change.kind != "deleted"
        if change.before:
            found.setdefault(change.before, False)
    return found


def _in_the_way(tree: Path, touched: dict[str, bool], known: set[str]) -> Iterable[str]:
    """The unknown files on the places where a file comes, or a folder above one."""
    for path, stays in touched.items():
        if not stays or path in known:
            continue
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts))]
        blocking = [one for one in above if _is_file(tree / one) and one not in known]
        if blocking:
            yield blocking[0]
        elif _is_file(tree / path):
            yield path
        elif os.path.isdir(tree / path):
            yield from _unknown_below(tree, path, known)


def _is_file(path: Path) -> bool:
    """Anything but a folder, a symlink to one too."""
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def _unknown_below(tree: Path, path: str, known: set[str]) -> Iterable[str]:
    for folder, _, files in os.walk(tree / path):
        for name in files:
            found = os.path.relpath(os.path.join(folder, name), tree)
            if found not in known:
                yield found
