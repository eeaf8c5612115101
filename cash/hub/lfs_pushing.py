"""Which objects of Git LFS a push needs, and the git commands that get and send them.

They are named to the user's git-lfs one by one: looking through commits itself, it would open
files of the user's tree by the names that stand in an agent's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cash.hub.lfs import find_store, place_of, read_pointer
from cash.hub.repository import Repository

# Of a pointer, as git-lfs has it.
_LONGEST = 1024
_SECONDS = 300.0
_NEW = ("rev-list", "--objects", "--no-object-names", f"--filter=blob:limit={_LONGEST}", "--stdin")


def find_pushed(repository: Repository, remote: str, objects: Sequence[str]) -> Mapping[str, int]:
    """Of each pointer that these commits have and none of the remote's as it is known: the object
    that it stands for, and its size. Nothing where there is no store."""
    if not find_store(repository).is_dir():
        return {}
    git = repository.git
    known = ("--not", f"--remotes={remote}")
    new = git.run(*_NEW, *known, given=_lines(objects), seconds=_SECONDS)
    look = ("cat-file", "--batch-check=%(objecttype) %(objectsize) %(objectname)")
    rows = [row.split() for row in git.run(*look, given=new, seconds=_SECONDS).splitlines()]
    small = [row[2].decode() for row in rows if row[0] == b"blob" and int(row[1]) < _LONGEST]
    out = git.run("cat-file", "--batch", given=_lines(small), seconds=_SECONDS)
    found: dict[str, int] = {}
    at = 0
    for _ in small:
        end = out.index(b"\n", at) + 1
        size = int(out[at:end].split()[2])
        pointer = read_pointer(out[end : end + size])
        found |= [pointer] if pointer else []
        at = end + size + 1
    return found


def find_missing(repository: Repository, wanted: Mapping[str, int]) -> Mapping[str, int]:
    """Those that the user's store has not."""
    store = find_store(repository)
    return {oid: size for oid, size in wanted.items() if not place_of(store, oid).is_file()}


def may_miss(repository: Repository) -> bool:
    """Whether the user lets a push go on without objects that are not here."""
    words = ("config", "--type=bool", "--get", "lfs.allowincompletepush")
    return repository.git.try_run(*words)[1].strip() == b"true"


def fetch_words(remote: str, wish: str) -> tuple[str, ...]:
    """git's, to get what a commit wishes for."""
    return ("lfs", "fetch", "--include=", "--exclude=", remote, wish)


def push_words(remote: str) -> tuple[str, ...]:
    """git's, to send objects; they are given by their ids, a line each."""
    return ("lfs", "push", "--object-id", "--stdin", remote)


def missing_text(missing: Mapping[str, int]) -> str:
    """Why nothing is pushed."""
    first = next(iter(missing))
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"{first[:12]} of Git LFS{more} is neither here nor there"


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
