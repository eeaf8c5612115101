"""Linked worktrees: the agents' trees as the user's own git sees them."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cash.faults import Fault
from cash.hub.git import Git
from cash.hub.lfs import find_store, is_pointer, local_filters, uses_lfs
from cash.hub.repository import Repository

_ADD_SECONDS = 600.0


def register_tree(
    repository: Repository,
    tree: Path,
    branch: str,
    commit: str | None,
    reason: str,
) -> Path:
    """Makes a linked worktree at `tree` and checks the branch out in it; its place in the hub's
    git directory. commit: where a new branch starts (an older one of that name is moved), None
    for a branch that exists. The worktrees are held. Hooks do not run; the user's filters do, but
    not git-lfs, which would download: what the user's store has is taken from there.

    Locked, because an agent's `git worktree prune` removed others' entries (seen); without
    tracking, because writing that made 15 of 40 concurrent calls fail."""
    target = [branch] if commit is None else ["--no-track", "-B", branch, commit]
    arguments = ["worktree", "add", "--quiet", "--lock", "--reason", reason]
    if commit is None:
        arguments += [str(tree), *target]
    else:
        arguments += [*target[:-1], str(tree), target[-1]]
    store = find_store(repository) if uses_lfs(repository) else None
    usual = ("checkout.workers=0", "checkout.guess=false")
    git = replace(repository.git, settings=(*usual, *local_filters(store)))
    git.run(*arguments, seconds=_ADD_SECONDS, cwd=tree.parent)
    entry = find_entry(repository, tree)
    if entry is None:
        raise Fault(f"git made no worktree at {tree}")
    return entry


def unregister_tree(repository: Repository, tree: Path) -> None:
    """Forgets a linked worktree, wherever its making or removal had got to; its files stay."""
    while (entry := find_entry(repository, tree)) is not None:
        shutil.rmtree(entry)
    with contextlib.suppress(OSError):  # like git: the last one takes the folder along
        os.rmdir(repository.common_dir / "worktrees")


def find_entry(repository: Repository, tree: Path) -> Path | None:
    """The linked worktree's own folder in the hub's git directory. Read from the hub's side:
    the file tree/.git might have been changed by an agent."""
    wanted = os.fsencode(tree / ".git")
    for entry in _entries(repository):
        with contextlib.suppress(OSError):
            if (entry / "gitdir").read_bytes().rstrip(b"\n") == wanted:
                return entry
    return None


def registered_trees(repository: Repository) -> tuple[Path, ...]:
    """The linked worktrees' places, whether anything is there or not."""
    found = [_tree_of(entry) for entry in _entries(repository)]
    return tuple(tree for tree in found if tree is not None)


def checked_out(repository: Repository) -> Mapping[str, Path]:
    """Full ref name → the working tree that has it checked out, of all worktrees."""
    found: dict[str, Path] = {}
    places = [(repository.common_dir / "HEAD", repository.root)]
    places += [
        (entry / "HEAD", tree) for entry in _entries(repository) if (tree := _tree_of(entry))
    ]
    for head, tree in places:
        with contextlib.suppress(OSError):
            text = os.fsdecode(head.read_bytes()).strip()
            if text.startswith("ref: "):
                found[text.removeprefix("ref: ")] = tree
    return found


def _tree_of(entry: Path) -> Path | None:
    try:
        git_file = (entry / "gitdir").read_bytes().rstrip(b"\n")
    except OSError:
        return None  # being made or removed by somebody just now
    return Path(os.fsdecode(git_file)).parent


def git_of(repository: Repository, entry: Path, tree: Path) -> Git:
    """git on the linked worktree. Its git directory lies in the hub, out of the agent's reach;
    the tree does not, so nothing in it may choose a program: no filter of the user's runs on
    content an agent wrote, and no submodule (whose .git the agent could have made) is entered.
    Files that are in the user's store of Git LFS are known for what they are."""
    return replace(
        repository.git,
        directory=entry,
        work_tree=tree,
        settings=(*own_filters(repository), "diff.ignoreSubmodules=all"),
    )


def without_filters(repository: Repository) -> tuple[str, ...]:
    """Settings that switch the user's own filters off (git-lfs and the like)."""
    listed = repository.git.run(
        "config", "--name-only", "-z", "--get-regexp", r"^filter\..", fine=(0, 1)
    )
    names = {
        os.fsdecode(key).split(".", 1)[1].rsplit(".", 1)[0] for key in listed.split(b"\0")[:-1]
    }
    return tuple(
        f"filter.{name}.{value}"
        for name in sorted(names)
        for value in ("clean=", "smudge=", "process=", "required=false")
    )


def own_filters(repository: Repository, *, keeps: bool = False) -> tuple[str, ...]:
    """The same, but that the objects of Git LFS in the user's store are known; keeps: and those
    that it lacks come into it, as pointers are made for them."""
    store = find_store(repository) if uses_lfs(repository) else None
    return (*without_filters(repository), *local_filters(store, keeps=keeps))


def count_pointers(repository: Repository, tree: Path) -> int:
    """How many files of Git LFS in a new tree are there as pointers alone. No agent has been in
    it yet."""
    entry = find_entry(repository, tree) if uses_lfs(repository) else None
    if entry is None:
        return 0
    listed = git_of(repository, entry, tree).run("ls-files", "-z", ":(attr:filter=lfs)", cwd=tree)
    return sum(is_pointer(tree / os.fsdecode(path)) for path in listed.split(b"\0")[:-1])


def skip_submodules(git: Git) -> None:
    """Marks submodules in the linked worktree's index as not present.

    The user's `git status` in an agent's tree would enter them, and obey the configuration of a
    `.git` that the agent put there."""
    staged = git.run("ls-files", "--stage", "-z")
    paths = [line.split(b"\t", 1)[1] for line in staged.split(b"\0") if line.startswith(b"160000 ")]
    if paths:
        git.run("update-index", "--skip-worktree", "-z", "--stdin", given=b"\0".join(paths) + b"\0")


def follow(git: Git, head: str, commit: str) -> None:
    """Moves the linked worktree's HEAD to `head` (a full branch name, or "" for detached) and
    its index to the commit, touching no file. Raises GitFault when the user's git holds it.

    `-i` keeps git from comparing files (an agent may be writing them) and from refusing; entries
    that stay the same keep their stat data, so the next status stays cheap."""
    git.run("read-tree", "-i", "--reset", commit)
    skip_submodules(git)
    if head:
        git.run("symbolic-ref", "-m", "polis: follow the agent", "HEAD", head)
    else:
        git.run("update-ref", "--no-deref", "-m", "polis: follow the agent", "HEAD", commit)


def _entries(repository: Repository) -> list[Path]:
    try:
        return sorted((repository.common_dir / "worktrees").iterdir())
    except OSError:
        return []
