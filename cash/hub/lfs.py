"""Git LFS: the objects that pointers in commits stand for, in the user's own store. How an agent's
come there: cash/hub/lfs_carrying.py."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from cash.faults import UsageFault
from cash.hub import lfs_filter
from cash.hub.repository import Repository

# Of one object; as of a snapshot (cash/hub/snapshot.py).
MOST_BYTES: Final = 4 << 30
OID: Final = re.compile(r"[0-9a-f]{64}")
_SIZE: Final = re.compile(r"[0-9]{1,15}")
_VERSION: Final = "https://git-lfs.github.com/spec/v1"


def check_large(oid: str, size: str) -> int:
    """The size of an object, if it is one that polis carries. UsageFault."""
    if not OID.fullmatch(oid) or not _SIZE.fullmatch(size):
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
    fine = text.startswith(f"version {_VERSION}\n".encode()) and OID.fullmatch(oid)
    return (oid, int(size)) if fine and _SIZE.fullmatch(size) else None


def is_pointer(path: Path) -> bool:
    """Whether the file is the pointer to an object and not the object."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read(len(_VERSION) + 8) == f"version {_VERSION}".encode()
    return False


def local_filters(store: Path | None, *, keeps: bool = False) -> tuple[str, ...]:
    """Settings by which git outside makes files of pointers, and finds that a file is what a
    pointer stands for, out of the store alone: no git-lfs runs on what an agent wrote, nothing is
    downloaded, and whatever is not in the store stays as it is; but with `keeps`, what becomes a
    pointer comes into it."""
    process = ""
    if store is not None and (keeps or store.is_dir()):
        program = Path(lfs_filter.__file__).read_text()
        python = os.path.realpath(sys.executable)
        process = shlex.join(
            (python, "-I", "-S", "-c", program, os.fspath(store), *["keeps"][:keeps])
        )
    values = {"process": process, "clean": "", "smudge": "", "required": "false"}
    return tuple(f"filter.lfs.{key}={value}" for key, value in values.items())


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
