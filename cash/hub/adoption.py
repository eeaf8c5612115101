"""Adopting a repository: polis' own folder for it, and nothing in the user's working tree."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cash.faults import Fault, UsageFault
from cash.hub.account import Account
from cash.hub.levels import WORKTREES, writing
from cash.hub.lfs import is_installed
from cash.hub.marker import (
    Marker,
    Place,
    encode_place,
    inode_of,
    new_token,
    read_marker,
    read_place,
    write_marker,
)
from cash.hub.mutex import LONG_PATIENCE, PATIENCE, hold_hub
from cash.hub.repository import Repository
from cash.hub.turnstile import acquire, release
from cash.places import Places


@dataclass(frozen=True, slots=True)
class Adoption:
    """folder: places.state/<id>, 0700, with agents/ and trash/. fresh: it was made just now.
    notes: what the user may want to know, each one line."""

    folder: Path
    fresh: bool
    notes: tuple[str, ...] = ()


def hub_folder(repository: Repository, places: Places) -> Path:
    """Where polis keeps what belongs to this repository; not created by asking."""
    return places.state / repository.id


def adopt(repository: Repository, places: Places) -> Adoption:
    """Makes the repository's folder and looks the repository over; again is fine, and so are
    two at once. Raises what open_hub does."""
    folder, fresh = open_hub(repository, places)
    return Adoption(folder=folder, fresh=fresh, notes=_notes(repository))


def open_hub(repository: Repository, places: Places) -> tuple[Path, bool]:
    """The repository's folder, made where it is missing, and whether it was.

    Raises Fault when the folder cannot be made (full disk, no permission) or cannot be reached
    by the repository's owner."""
    folder = hub_folder(repository, places)
    if repository.root.is_relative_to(places.state):
        raise UsageFault(
            f"{repository.root} lies inside polis' own state", hint="adopt your own repository"
        )
    with as_fault(f"{folder} cannot be made"):
        places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if repository.owner.foreign:
            # Entered, not listed, by a repository's owner when root works for somebody else.
            places.state.chmod(0o711)
        make_folder(folder, repository.owner)
    check_reach(folder, repository.owner)
    taken = hold_hub(repository, writing(WORKTREES), "polis init", seconds=LONG_PATIENCE)
    with taken, as_fault(f"{folder} cannot be made"):
        record = folder / "root"
        fresh = not record.exists()
        for name in ("agents", "trash"):
            make_folder(folder / name, repository.owner)
        if fresh or record.read_bytes() != os.fsencode(repository.root):
            write_whole(record, os.fsencode(repository.root))
        _mark(repository, folder)
    return folder, fresh


def _mark(repository: Repository, folder: Path) -> None:
    """Lets repository and folder find each other again, wherever the user moves the one."""
    place = read_place(folder)
    common = repository.common_dir
    if place is None or (place.common_dir, place.inode) != (common, inode_of(common)):
        place = Place(
            place.token if place else new_token(),
            common,
            inode_of(common),
            place.earlier if place else (),
        )
        write_whole(folder / "place", encode_place(place))
    marker = Marker(repository.id, place.token)
    if read_marker(common) != marker:
        with as_fault(f"{common} cannot be marked"):
            write_marker(common, marker, repository.owner)


def adopted_roots(places: Places) -> dict[str, Path]:
    """The main working trees of all adopted repositories as recorded, by the repository's id."""
    records = sorted(places.state.glob("*/root"))
    return {record.parent.name: Path(os.fsdecode(record.read_bytes())) for record in records}


@contextlib.contextmanager
def hold_state(places: Places) -> Iterator[None]:
    """Holds what agents of all repositories share: their numbers. Raises Fault when it stays
    busy."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    deadline = time.monotonic() + PATIENCE
    with as_fault(f"{places.state} cannot be locked"):
        held = acquire(
            lambda name: os.open(places.state / name, flags, 0o600),
            "lock",
            alone=True,
            deadline=deadline,
        )
    try:
        yield
    finally:
        release(held)


@contextlib.contextmanager
def as_fault(what: str) -> Iterator[None]:
    """Turns an OSError into one clear line: `what`: the system's reason."""
    try:
        yield
    except OSError as fault:
        hint = None
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free some space there; nothing was changed"
        reason = os.strerror(fault.errno) if fault.errno else str(fault)
        raise Fault(f"{what}: {reason}", hint=hint) from fault


def make_folder(folder: Path, owner: Account, mode: int = 0o700) -> None:
    """A private folder that belongs to the repository's owner; there already is fine."""
    folder.mkdir(mode=mode, exist_ok=True)
    if owner.foreign:
        os.chown(folder, owner.uid, owner.gid)


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes a file so that a reader sees the old or the new content, never a part."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    os.rename(fresh, path)


def check_reach(folder: Path, owner: Account) -> None:
    """Raises Fault when root keeps its state where the repository's owner may not go: the
    owner's git, which makes the trees, could not get there."""
    if not owner.foreign:
        return
    closed = [parent for parent in folder.parents if not _may_pass(parent, owner)]
    if closed:
        raise Fault(
            f"{closed[-1]} is closed to {owner.name}, who owns the repository",
            hint=f"run polis as {owner.name}, or set XDG_STATE_HOME to a folder all may enter",
        )


def _may_pass(folder: Path, owner: Account) -> bool:
    found = os.stat(folder)
    if found.st_uid == owner.uid:
        return bool(found.st_mode & 0o100)
    if found.st_gid in owner.groups:
        return bool(found.st_mode & 0o010)
    return bool(found.st_mode & 0o001)


def _notes(repository: Repository) -> tuple[str, ...]:
    return tuple(note for look in (_changes, _lfs, _partial) if (note := look(repository)))


def _changes(repository: Repository) -> str:
    git = replace(repository.git, work_tree=repository.root)
    changed = git.run("status", "--porcelain", "--ignore-submodules=all", "-z", cwd=repository.root)
    count = len([entry for entry in changed.split(b"\0") if entry[2:3] == b" "])
    files = "1 uncommitted change" if count == 1 else f"{count} uncommitted changes"
    place = f"in {repository.root} left as they are; agents start from a commit"
    return f"{files} {place}" if count else ""


def _lfs(repository: Repository) -> str:
    where = ("HEAD", "--", ".gitattributes", "**/.gitattributes")
    status, _, _ = repository.git.try_run("grep", "-q", "-e", "filter=lfs", *where)
    told = "git-lfs is not installed: agents have the pointers of Git LFS files and cannot push any"
    return told if status == 0 and not is_installed(repository) else ""


def _partial(repository: Repository) -> str:
    promised = ("config", "--get-regexp", r"^remote\..*\.promisor$")
    status, _, _ = repository.git.try_run(*promised)
    told = "this is a partial clone: what it has not fetched yet is not there for agents"
    return told if status == 0 else ""
