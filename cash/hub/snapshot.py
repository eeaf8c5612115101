"""A commit of a tree exactly as it lies there, so that removing it loses nothing.

The agent is stopped, but what it left may be anything: a path may lead through a symlink, a file
may be a fifo or another repository. Nothing is filtered, entered or followed, but that files of
Git LFS become pointers, by polis' own filter; what git cannot hold is left out and told.
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cash.faults import Fault
from cash.hub.git import Git
from cash.hub.refs import write_refs
from cash.hub.repository import Repository
from cash.hub.walking import walk
from cash.hub.worktree import own_filters, without_filters

_SECONDS = 600.0
# More than this at once keeps the hub held for minutes; a file of holes is made in a moment.
_MOST_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Snapshot:
    """commit: "" when the tree holds nothing beyond its parent. left_out: paths git could not
    take (unreadable, another repository inside). ignored: what git is told to ignore, which is
    not in the commit; a folder of nothing else ends in a slash."""

    commit: str
    left_out: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def snapshot_tree(
    repository: Repository,
    tree: Path,
    parent: str,
    index: Path | None,
    ref: str,
    what: str,
    *,
    own: Path,
) -> Snapshot:
    """Commits the tree's tracked and new files on top of `parent` and points `ref` at it.
    index: a worktree's index to start from (its stat data saves reading), else None. what: the
    commit's message. own: an index that is made and removed again, where nobody else can write.
    The objects go to the hub. Raises Fault or OSError, and then `ref` is unchanged."""
    for pipe in find_pipes(tree):
        pipe.unlink()  # it holds nothing, and git would wait on it with the hub locked
    git = replace(
        repository.git,
        work_tree=tree,
        index=own,
        settings=without_filters(repository),
        extra={f"GIT_{who}_{key}": value for who in _WHO for key, value in _IDENTITY},
    )
    try:
        if index is not None and index.is_file():
            # With its time: a file changed in the same second as the index was written, to the
            # same size, is looked into by git only because it is no older than the index.
            shutil.copyfile(index, own)
            written = index.stat()
            os.utime(own, ns=(written.st_atime_ns, written.st_mtime_ns))
            _own(own, repository)
            _refuse_giants(git, tree)
            # What the store of Git LFS has need not be kept once more.
            knowing = replace(git, settings=own_filters(repository))
            knowing.run("update-index", "-q", "--really-refresh", fine=(0, 1), seconds=_SECONDS)
        else:
            git.run("read-tree", parent)
            _refuse_giants(git, tree)
        ignored = _list_ignored(git, tree)
        left_out = _stage(git, tree, replace(git, settings=own_filters(repository, keeps=True)))
        made = git.read("write-tree")
        if made == git.read("rev-parse", f"{parent}^{{tree}}"):
            return Snapshot("", left_out, ignored)
        commit = git.read("commit-tree", "-p", parent, "-m", what, made)
        write_refs(repository, [(ref, commit)], "polis: snapshot")
    finally:
        own.unlink(missing_ok=True)
        own.with_name(own.name + ".lock").unlink(missing_ok=True)
    return Snapshot(commit, left_out, ignored)


def find_pipes(tree: Path) -> list[Path]:
    """The fifos that git would read for its rules, and wait on for ever."""
    return [
        Path(folder, name)
        for folder, files in walk(tree)
        for name in _RULES.intersection(files)
        if stat.S_ISFIFO(os.lstat(os.path.join(folder, name)).st_mode)
    ]


_RULES = frozenset((".gitattributes", ".gitignore", ".gitmodules"))
_WHO = ("AUTHOR", "COMMITTER")
_IDENTITY = (("NAME", "polis"), ("EMAIL", "polis@localhost"))


def _own(path: Path, repository: Repository) -> None:
    if repository.owner.foreign:
        os.chown(path, repository.owner.uid, repository.owner.gid)


def _stage(git: Git, tree: Path, keeping: Git) -> tuple[str, ...]:
    """Brings the temporary index level with the tree; what had to be left out. keeping: the git
    that takes files in."""
    listed = git.run(
        *("ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard"),
        cwd=tree,
        seconds=_SECONDS,
    )
    there: list[bytes] = []
    gone: list[bytes] = []
    left_out: list[str] = []
    for path in dict.fromkeys(listed.split(b"\0")[:-1]):
        match _kind(tree, path):
            case "file":
                there.append(path)
            case "gone":
                gone.append(path)
            case "strange":
                left_out.append(os.fsdecode(path))
    _check_bytes(tree, there)
    _update(git, tree, ("--force-remove",), gone)
    _update(keeping, tree, ("--add", "--replace"), there)
    return tuple(sorted(left_out))


def _list_ignored(git: Git, tree: Path) -> tuple[str, ...]:
    options = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
    listed = git.run("ls-files", *options, cwd=tree, seconds=_SECONDS)
    return tuple(map(os.fsdecode, listed.split(b"\0")[:-1]))


def _refuse_giants(git: Git, tree: Path) -> None:
    """Before git compares: it keeps sizes modulo 2^32, so that a terabyte may pass for what it
    was, and would be read."""
    found = [
        os.fsencode(os.path.relpath(os.path.join(folder, name), tree))
        for folder, files in walk(tree)
        for name in files
        if os.lstat(os.path.join(folder, name)).st_size > _MOST_BYTES
    ]
    if found:
        # Ignored ones are not looked at anyway.
        options = ("--cached", "--others", "--exclude-standard", "-z", "--full-name")
        listed = git.run("ls-files", *options, cwd=tree)
        _check_bytes(tree, [path for path in listed.split(b"\0") if path in set(found)])


def _check_bytes(tree: Path, paths: Iterable[bytes]) -> None:
    sizes = {path: os.lstat(os.path.join(os.fsencode(tree), path)).st_size for path in paths}
    if sum(sizes.values()) > _MOST_BYTES:
        largest = tree / os.fsdecode(max(sizes, key=sizes.__getitem__))
        raise Fault(
            f"a snapshot holds {_MOST_BYTES >> 30} GiB, and the tree has more to keep",
            hint=f"rm {shlex.quote(str(largest))}  # the largest; or move it away",
        )


def _update(git: Git, tree: Path, options: Iterable[str], paths: list[bytes]) -> None:
    if paths:
        given = b"\0".join(paths) + b"\0"
        git.run("update-index", *options, "-z", "--stdin", given=given, cwd=tree, seconds=_SECONDS)


def _kind(tree: Path, path: bytes) -> Literal["file", "gone", "strange"]:
    """file, gone (also behind a symlink, where it is no file of this tree) or strange."""
    folder = os.fsencode(tree)
    *above, _ = path.split(b"/")
    for part in above:
        folder += b"/" + part
        if os.path.islink(folder):
            return "gone"
    place = os.path.join(os.fsencode(tree), path)
    try:
        mode = os.lstat(place).st_mode
    except OSError:
        return "gone"
    if stat.S_ISLNK(mode):
        return "file"
    if stat.S_ISDIR(mode):
        # `x/` is another repository; `x` a tracked file in whose place a folder stands now.
        return "strange" if path.endswith(b"/") else "gone"
    return "file" if stat.S_ISREG(mode) and os.access(place, os.R_OK) else "strange"
