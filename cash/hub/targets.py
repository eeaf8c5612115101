"""Which of the user's branches a merge goes into, and in which of their trees it lies."""

from __future__ import annotations

import contextlib
import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from cash.faults import UsageFault
from cash.hub.refs import list_refs
from cash.hub.repository import Repository
from cash.hub.worktree import checked_out, find_entry

# What git leaves in a worktree's folder while an operation waits for the user.
_UNDER_WAY = {
    "MERGE_HEAD": ("merge", "git merge --continue, or git merge --abort"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "git cherry-pick --continue, or --abort"),
    "REVERT_HEAD": ("revert", "git revert --continue, or --abort"),
    "rebase-merge": ("rebase", "git rebase --continue, or --abort"),
    "rebase-apply": ("rebase", "git rebase --continue, or git am --abort"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """branch: its short name. tip: its commit. tree: the user's working tree that has it checked
    out, None when none has."""

    branch: str
    tip: str
    tree: Path | None

    @property
    def ref(self) -> str:
        """The branch in full."""
        return f"refs/heads/{self.branch}"


def find_target(repository: Repository, agents: Path, cwd: Path, into: str | None) -> Target:
    """The branch of that name; without one, the branch of the user's tree around `cwd`.
    agents: the folder with the agents' trees, into which nothing is merged. UsageFault when there
    is none, an agent has it, or git is in the middle of something there."""
    holders = checked_out(repository)
    if into is None:
        tree = _tree_around(repository, agents, cwd)
        names = [name for name, place in holders.items() if place == tree]
        if not names:
            raise UsageFault(f"{tree} is on no branch", hint="git switch BRANCH, or --into BRANCH")
        into = names[0].removeprefix("refs/heads/")
    ref = f"refs/heads/{into}"
    tips = {one.name: one.object for one in list_refs(repository, "refs/heads/")}
    if ref not in tips:
        near = difflib.get_close_matches(ref, tips, n=1)
        hint = f"did you mean {near[0].removeprefix('refs/heads/')}?" if near else "git branch"
        raise UsageFault(f"there is no branch {into!r}", hint=hint)
    place = holders.get(ref)
    if place is not None and place.is_relative_to(agents):
        raise UsageFault(
            f"branch {into} is in use by agent {place.relative_to(agents).parts[0]}",
            hint="--into names one of your own branches",
        )
    _refuse_rebased(repository, ref, into)
    if place is not None:
        _refuse_under_way(_directory_of(repository, place), place)
    return Target(into, tips[ref], place)


def _tree_around(repository: Repository, agents: Path, cwd: Path) -> Path:
    trees = [tree for tree in checked_out(repository).values() if not tree.is_relative_to(agents)]
    around = [tree for tree in trees if cwd.is_relative_to(tree)]
    return max(around, key=lambda tree: len(tree.parts), default=repository.root)


def _directory_of(repository: Repository, tree: Path) -> Path:
    return find_entry(repository, tree) or repository.common_dir


def _refuse_under_way(directory: Path, tree: Path) -> None:
    for name, (what, way_out) in _UNDER_WAY.items():
        if (directory / name).exists():
            raise UsageFault(f"{tree} is in the middle of a {what}", hint=way_out)


def _refuse_rebased(repository: Repository, ref: str, branch: str) -> None:
    """While a branch is rebased, HEAD is on none, and git would set it at the end."""
    folders = [repository.common_dir, *(repository.common_dir / "worktrees").glob("*")]
    for folder in folders:
        for name in ("rebase-merge", "rebase-apply"):
            with contextlib.suppress(OSError):
                if os.fsdecode((folder / name / "head-name").read_bytes()).strip() == ref:
                    raise UsageFault(
                        f"branch {branch} is being rebased",
                        hint="git rebase --continue, or --abort",
                    )
