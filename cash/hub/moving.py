"""Repositories that the user moved: recognised where they are now, and their trees mended."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cash.hub.adoption import as_fault, write_whole
from cash.hub.levels import WORKTREES, writing
from cash.hub.marker import Place, encode_place, inode_of, read_marker, read_place
from cash.hub.mutex import LONG_PATIENCE, hold_hub
from cash.hub.repository import Repository
from cash.hub.worktree import find_entry, registered_trees, unregister_tree
from cash.places import Places


@dataclass(frozen=True, slots=True)
class Move:
    """repository: where it is now, under its old id. before: its record. certain: it is the very
    same directory; else it might be a copy of one that was moved somewhere else."""

    repository: Repository
    before: Place
    certain: bool


def recognise(repository: Repository, places: Places) -> Repository | Move:
    """The repository under the id that polis knows it by, or how it came here. One that was
    copied, and one that took another's place, are repositories of their own."""
    common = repository.common_dir
    marker = read_marker(common)
    place = read_place(places.state / marker.id) if marker is not None else None
    if marker is not None and place is not None and place.token == marker.token:
        known = replace(repository, id=marker.id)
        if place.common_dir == common:
            return known
        if read_marker(place.common_dir) != marker:
            return Move(known, place, certain=place.inode == inode_of(common))
        if place.inode == inode_of(common):  # the same one by another way: a bind mount
            return replace(known, common_dir=place.common_dir)
    there = read_place(places.state / repository.id)
    if there is None or (there.common_dir == common and there.inode == inode_of(common)):
        return repository
    # The folder of that name belongs to a repository that was here before.
    digest = hashlib.sha256(b"%d" % inode_of(common)).hexdigest()[:6]
    return replace(repository, id=f"{repository.id}-{digest}")


def follow_move(move: Move, places: Places, trees: Iterable[Path]) -> None:
    """Mends the agents' trees, as `git worktree repair` does, and then the record. Again is fine.
    Raises Fault."""
    repository = move.repository
    folder = places.state / repository.id
    taken = hold_hub(repository, writing(WORKTREES), "following a move", seconds=LONG_PATIENCE)
    with taken, as_fault(f"{repository.root} cannot be followed"):
        for tree in trees:
            entry = find_entry(repository, tree)
            if entry is not None:
                _overwrite(tree, (), ".git", b"gitdir: " + os.fsencode(entry) + b"\n")
        earlier = (*move.before.earlier, move.before.common_dir)
        common = repository.common_dir
        place = Place(
            move.before.token,
            common,
            inode_of(common),
            tuple(one for one in dict.fromkeys(earlier) if one != common),
        )
        write_whole(folder / "root", os.fsencode(repository.root))
        write_whole(folder / "place", encode_place(place))


def drop_copied_trees(repository: Repository, places: Places) -> None:
    """Forgets the entries of another repository's agents, which a copied one brought along: by
    them git would reach into those agents' trees."""
    own = places.state / repository.id
    copied = [
        tree
        for tree in registered_trees(repository)
        if tree.is_relative_to(places.state) and not tree.is_relative_to(own)
    ]
    if copied:
        with hold_hub(repository, writing(WORKTREES), "polis init", seconds=LONG_PATIENCE):
            for tree in copied:
                unregister_tree(repository, tree)


def mend_objects(repository: Repository, folder: Path, git_directory: Path) -> None:
    """Lets an agent's own git directory borrow from where the hub is now. Only while its walls
    are down: inside, the old place is shown as long as they stand."""
    place = read_place(folder)
    if place is None or not place.earlier:
        return
    old = {quoted_path(os.fsencode(one / "objects")) for one in place.earlier}
    new = quoted_path(os.fsencode(repository.objects))
    inner = ("objects", "info")
    try:
        text = _content(git_directory, inner, "alternates")
        lines = [new if line in old else line for line in text.split(b"\n")]
        if lines != text.split(b"\n"):
            _overwrite(git_directory, inner, "alternates", b"\n".join(lines))
    except OSError:
        return  # the agent has made something else of it: git inside says so


def quoted_path(path: bytes) -> bytes:
    """A line of objects/info/alternates: git unquotes one that starts with a double quote, and
    takes # for a comment."""
    if path[:1] not in (b'"', b"#") and b"\n" not in path:
        return path
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'


def _content(folder: Path, inner: Iterable[str], name: str) -> bytes:
    with os.fdopen(_open(folder, inner, name, os.O_RDONLY), "rb") as file:
        return file.read(1 << 20)


def _overwrite(folder: Path, inner: Iterable[str], name: str, content: bytes) -> None:
    """In place: a rename over a file takes away what other mount namespaces have mounted on it,
    and the agent's walls show their own .git there."""
    with os.fdopen(_open(folder, inner, name, os.O_RDWR), "r+b") as file:
        if file.read() != content:
            file.seek(0)
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())


def _open(folder: Path, inner: Iterable[str], name: str, mode: int) -> int:
    """A plain file in a folder that an agent may write: nothing in there is followed."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | flags)
    try:
        for part in inner:
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | flags, dir_fd=here)
            os.close(here)
            here = deeper
        found = os.open(name, mode | flags, dir_fd=here)
    finally:
        os.close(here)
    status = os.fstat(found)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(found)
        raise OSError(f"{name} is no plain file of its own")
    return found
