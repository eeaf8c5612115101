"""Git LFS: the objects that pointers in commits stand for, in the user's own store and on the way
there.

An agent's git-lfs keeps its objects in its own git directory. From there they are copied into the
user's store: by their SHA-256 alone, entered folder by folder and through no link, so that what
arrives is what its name says, wherever the agent had pointed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cash.faults import Fault, UsageFault
from cash.hub import lfs_filter
from cash.hub.account import Account
from cash.hub.repository import Repository

# Of one object; as of a snapshot (cash/hub/snapshot.py).
MOST_BYTES: Final = 4 << 30
# Looked at in an agent's store at a time.
_MOST_OBJECTS: Final = 100_000
_OID: Final = re.compile(r"[0-9a-f]{64}")
_PART: Final = re.compile(r"[0-9a-f]{2}")
_SIZE: Final = re.compile(r"[0-9]{1,15}")
_CHUNK: Final = 1 << 20
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_VERSION: Final = "https://git-lfs.github.com/spec/v1"


@dataclass(frozen=True, slots=True)
class Carried:
    """taken: how many objects have come. refused: which have not, and why, a line each."""

    taken: int = 0
    refused: tuple[str, ...] = ()


def check_large(oid: str, size: str) -> int:
    """The size of an object, if it is one that polis carries. UsageFault."""
    if not _OID.fullmatch(oid) or not _SIZE.fullmatch(size):
        raise UsageFault("that is no object of Git LFS")
    if int(size) > MOST_BYTES:
        raise UsageFault(
            f"{oid[:12]} has {int(size)} bytes, and polis carries at most {MOST_BYTES >> 30} GiB",
            hint="git lfs fetch outside gets it for you",
        )
    return int(size)


def is_installed(repository: Repository) -> bool:
    """Whether the user's git finds git-lfs."""
    return shutil.which("git-lfs", path=repository.git.environment()["PATH"]) is not None


def find_store(repository: Repository) -> Path:
    """Where the user's git-lfs keeps objects, whether there are any or not."""
    _, out, _ = repository.git.try_run("config", "--type=path", "--get", "lfs.storage")
    return store_at(repository, os.fsdecode(out).removesuffix("\n"))


def store_at(repository: Repository, storage: str) -> Path:
    """The same, where the setting lfs.storage is known."""
    return repository.common_dir / (storage or "lfs") / "objects"


def place_of(store: Path, oid: str) -> Path:
    """Where an object lies in a store."""
    return store / oid[:2] / oid[2:4] / oid


def uses_lfs(repository: Repository) -> bool:
    """Whether it may, at no cost."""
    places = (repository.common_dir / "lfs", repository.root / ".gitattributes")
    return any(place.exists() for place in places)


def read_pointer(text: bytes) -> tuple[str, int] | None:
    """The object that a pointer stands for, and its size; None of anything else."""
    lines = dict(line.partition(b" ")[::2] for line in text.splitlines())
    oid = lines.get(b"oid", b"").removeprefix(b"sha256:").decode("ascii", "replace")
    size = lines.get(b"size", b"").decode("ascii", "replace")
    fine = text.startswith(f"version {_VERSION}\n".encode()) and _OID.fullmatch(oid)
    return (oid, int(size)) if fine and _SIZE.fullmatch(size) else None


def is_pointer(path: Path) -> bool:
    """Whether the file is the pointer to an object and not the object."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read(len(_VERSION) + 8) == f"version {_VERSION}".encode()
    return False


def local_filters(store: Path | None) -> tuple[str, ...]:
    """Settings by which git outside makes files of pointers, and finds that a file is what a
    pointer stands for, out of the store alone: no git-lfs runs on what an agent wrote, nothing is
    downloaded, and whatever is not in the store stays as it is."""
    process = ""
    if store is not None and store.is_dir():
        program = Path(lfs_filter.__file__).read_text()
        python = os.path.realpath(sys.executable)
        process = shlex.join((python, "-I", "-S", "-c", program, os.fspath(store)))
    values = {"process": process, "clean": "", "smudge": "", "required": "false"}
    return tuple(f"filter.lfs.{key}={value}" for key, value in values.items())


def carry_objects(repository: Repository, top: Path, within: str = "") -> Carried:
    """Copies what the user's store lacks out of an agent's. top: a folder that the agent cannot
    move. within: the git directory below it. Fault when it cannot be written."""
    taken, refused = 0, []
    with ExitStack() as held:
        try:
            first = os.open(top, _FOLDER)
            held.callback(os.close, first)
            folder = _enter(held, first, (*_parts(within), "lfs", "objects"))
        except OSError:
            return Carried()
        store = find_store(repository)
        for oid in _names(folder):
            if place_of(store, oid).exists():
                continue
            why = _take(repository.owner, folder, oid, store)
            taken += not why
            refused += [f"{oid[:12]} {why}"] if why else []
    return Carried(taken, tuple(refused[:20]))


def _parts(within: str) -> list[str]:
    parts = [part for part in within.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UsageFault("that is no git directory of yours")
    return parts


def _enter(held: ExitStack, folder: int, names: Iterable[str]) -> int:
    """Name by name, no link followed."""
    for name in names:
        folder = os.open(name, _FOLDER, dir_fd=folder)
        held.callback(os.close, folder)
    return folder


def _names(objects: int) -> Iterator[str]:
    count = 0
    for first in _listed(objects, (), _PART):
        for second in _listed(objects, (first,), _PART):
            for oid in _listed(objects, (first, second), _OID):
                count += 1
                if count > _MOST_OBJECTS:
                    return
                if oid.startswith(first + second):
                    yield oid


def _listed(objects: int, names: Iterable[str], wanted: re.Pattern[str]) -> list[str]:
    with ExitStack() as held:
        try:
            found = os.listdir(_enter(held, objects, names))
        except OSError:
            return []
    return sorted(name for name in found if wanted.fullmatch(name))


def _take(owner: Account, objects: int, oid: str, store: Path) -> str:
    """Why it was not taken, "" when it was."""
    with ExitStack() as held:
        try:
            folder = _enter(held, objects, (oid[:2], oid[2:4]))
            source = os.open(oid, _FILE, dir_fd=folder)
        except OSError:
            return "cannot be read"
        held.callback(os.close, source)
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode):
            return "is no file"
        if found.st_size > MOST_BYTES:
            return f"has more than {MOST_BYTES >> 30} GiB"
        try:
            return _keep(owner, source, oid, store, found.st_size)
        except OSError as fault:
            raise Fault(f"{store} cannot be written: {fault.strerror}") from fault


def _keep(owner: Account, source: int, oid: str, store: Path, size: int) -> str:
    place = place_of(store, oid)
    # Where git-lfs itself tidies up, should this be killed.
    passing = store.parent / "tmp"
    for folder in (store.parent, passing, store, place.parent.parent, place.parent):
        if not folder.is_dir():
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            os.chmod(folder, 0o755)  # whatever the umask
            _give(owner, folder)
    descriptor, name = tempfile.mkstemp(prefix="polis-", dir=passing)
    fresh = Path(name)
    try:
        with open(descriptor, "wb") as target:
            digest, left = hashlib.sha256(), size + 1  # one that grows is not what it was
            while left > 0 and (chunk := os.read(source, min(_CHUNK, left))):
                digest.update(chunk)
                target.write(chunk)
                left -= len(chunk)
            os.fchmod(target.fileno(), 0o644)
        if digest.hexdigest() != oid:
            return "is not what its name says"
        _give(owner, fresh)
        os.rename(fresh, place)
    finally:
        fresh.unlink(missing_ok=True)
    return ""


def _give(owner: Account, path: Path) -> None:
    if owner.foreign:
        os.lchown(path, owner.uid, owner.gid)


def wish_for(repository: Repository, wanted: Mapping[str, int]) -> str:
    """A commit that holds pointers to these objects, by their sizes, and nothing else: what
    `git lfs fetch` takes. No ref holds it; the next gc takes it away."""
    git = repository.git

    def made(given: str, *arguments: str) -> str:
        return git.run(*arguments, given=given.encode()).decode().strip()

    rows = ""
    for oid, size in sorted(wanted.items()):
        text = f"version {_VERSION}\noid sha256:{oid}\nsize {size}\n"
        rows += f"100644 blob {made(text, 'hash-object', '-w', '--stdin')}\t{oid}\n"
    who = {
        f"GIT_{one}_{key}": value
        for one in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "polis"), ("EMAIL", "polis@localhost"), ("DATE", "@1 +0000"))
    }
    signed = replace(git, extra={**git.extra, **who}, settings=("commit.gpgSign=false",))
    return signed.read("commit-tree", "-m", "polis: wanted of Git LFS", made(rows, "mktree"))
