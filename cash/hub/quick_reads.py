"""Reads of the hub in process, by libgit2 (the extra polis[pygit2]): a git process costs more than
what it reads. Each answers what git answers, or None, and then git is asked.

Only refs and commits are read here. libgit2 stands aside where it is seen to differ: sparse
checkouts and split indexes (it would show files as deleted), partial clones (nothing is fetched),
sha256 and reftable, replaced and grafted commits, and another user's repository.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from cash.hub.repository import Repository

_SWITCHES: Final = ("core.sparsecheckout", "core.splitindex", "index.sparse")
_STRANGERS: Final = ("extensions.partialclone", "extensions.refstorage", "extensions.objectformat")
_Answer = TypeVar("_Answer")
Row = tuple[str, str, str, str]


def load_libgit2() -> bool:
    """For a process that stays: loading takes longer (37 ms) than a command's few reads by git.
    Whether it is there. Until this is called, git is asked."""
    try:
        import pygit2  # noqa: F401
    except ImportError:
        return False
    return True


def read_refs_quickly(repository: Repository, patterns: tuple[str, ...]) -> list[Row] | None:
    """(name, object, what a tag stands for, what a symbolic ref stands for) of each ref that
    `git for-each-ref PATTERNS…` lists, in no order."""

    def read(store: Any) -> list[Row]:
        found = []
        for ref in store.references.iterator():
            name = os.fsdecode(ref.raw_name)
            if not patterns or any(_matches(name, pattern) for pattern in patterns):
                found.append(_row(store, ref, name))
        return found

    return _ask(repository, read)


def count_quickly(repository: Repository, one: str, other: str) -> tuple[int, int] | None:
    """How many commits `one` has that `other` has not, and the other way round. Both: object ids
    or full names of refs."""

    def count(store: Any) -> tuple[int, int]:
        ahead, behind = store.ahead_behind(_commit_of(store, one), _commit_of(store, other))
        return int(ahead), int(behind)

    return _ask(repository, count)


def contains_quickly(repository: Repository, later: str, commit: str) -> bool | None:
    """Whether `later` is the commit or descends from it."""

    def look(store: Any) -> bool:
        one, other = _commit_of(store, later), _commit_of(store, commit)
        return one == other or bool(store.descendant_of(one, other))

    return _ask(repository, look)


def has_quickly(repository: Repository, name: str) -> bool | None:
    """Whether the hub has an object."""
    return _ask(repository, lambda store: name in store)


@dataclass(frozen=True, slots=True)
class Touched:
    """What the commits of a branch that another has not have touched, be it taken back since.
    above: the paths and all folders that they are in. adds, removes: whether any path."""

    commit: str
    paths: frozenset[str]
    above: frozenset[str]
    adds: bool
    removes: bool


def read_touched_quickly(
    repository: Repository, commit: str, other: str, most: int
) -> Touched | None:
    """By a look at each commit that `commit` has and `other` has not; None also where these are
    more than `most`."""

    def read(store: Any) -> Touched:
        walker = store.walk(_commit_of(store, commit))
        walker.hide(_commit_of(store, other))
        paths: set[str] = set()
        kinds: set[str] = set()
        for number, one in enumerate(walker):
            if number >= most or not one.parents:
                raise KeyError(commit)
            for parent in one.parents:
                for delta in store.diff(parent.tree, one.tree).deltas:
                    kinds.add(delta.status_char())
                    paths.add(os.fsdecode(delta.new_file.raw_path))
        above = {str(place) for path in paths for place in PurePosixPath(path).parents}
        return Touched(
            commit, frozenset(paths), frozenset(paths | above), "A" in kinds, "D" in kinds
        )

    return _ask(repository, read)


def read_blob_quickly(repository: Repository, tree: str, path: str) -> bytes | None:
    """A file's content in a commit or tree, without any filter."""

    def read(store: Any) -> bytes:
        found = store[tree]
        entry = (found.tree if found.type_str == "commit" else found)[path]
        if entry.type_str != "blob":
            raise KeyError(path)
        return bytes(entry.data)

    return _ask(repository, read)


def _ask(repository: Repository, question: Callable[[Any], _Answer]) -> _Answer | None:
    """None where libgit2 stands aside, or does not find what is asked for: git has its own word
    for that."""
    if not _is_loaded() or repository.owner.foreign or repository.object_format != "sha1":
        return None
    import pygit2

    try:
        store = pygit2.Repository(str(repository.common_dir))
        return None if _is_strange(store, repository.common_dir) else question(store)
    except (pygit2.GitError, KeyError, ValueError, OSError):
        return None


def _is_loaded() -> bool:
    """Not while another thread is about it: half of it is there then."""
    spec = getattr(sys.modules.get("pygit2"), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def _is_strange(store: Any, common_dir: Path) -> bool:
    config = store.config
    if any(key in config and config.get_bool(key) for key in _SWITCHES):
        return True
    if any(key in config for key in _STRANGERS):
        return True
    if any(entry.name.endswith(".promisor") for entry in config):
        return True
    if (common_dir / "refs/replace").exists() or (common_dir / "info/grafts").exists():
        return True
    with contextlib.suppress(FileNotFoundError):
        return b" refs/replace/" in (common_dir / "packed-refs").read_bytes()
    return False


def _matches(name: str, pattern: str) -> bool:
    whole = pattern.rstrip("/")
    return name.startswith(f"{whole}/") or (name == pattern)


def _row(store: Any, ref: Any, name: str) -> Row:
    """KeyError for a ref that leads nowhere."""
    symbolic = os.fsdecode(ref.raw_target) if isinstance(ref.raw_target, bytes) else ""
    target = ref.resolve().target
    found = store[target]
    peeled = str(found.target) if found.type_str == "tag" else ""
    return name, str(target), peeled, symbolic


def _commit_of(store: Any, name: str) -> Any:
    """Its id. KeyError where it is none."""
    found = store.references[name].peel() if name.startswith("refs/") else store[name]
    if found.type_str != "commit":
        raise KeyError(name)
    return found.id
