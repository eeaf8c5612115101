"""Accounts of providers: one login serves all agents of a provider.

An account lies in polis' state, 0700: a HOME that only the provider's own login has written to, or
an API key. Agents get copies below their own HOME: a mount of single files would break, since
programs renew a token by renaming a new file over the old one (EBUSY), and a folder that all of
them may write would let one agent's programs change what the others read.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from cash.faults import UsageFault
from cash.places import Places
from cash.providers.facets import Account, Sort
from cash.providers.manifest import Manifest
from cash.providers.settling import read_settled, remove_settled, settle_files

_LONGEST_KEY = 4096
_LARGEST_CREDENTIAL = 256 << 10
# How much of a key a program remembers it by (Claude Code's own number).
_KEY_TAIL = 20


@dataclass(frozen=True, slots=True)
class Credential:
    """One file of an account. written: nanoseconds since the epoch; a copy carries the same."""

    path: str
    content: bytes
    written: int


@dataclass(frozen=True, slots=True)
class Held:
    """An account that is logged in. since: seconds since the epoch. parts: of JSON files, the
    account's own keys."""

    provider: str
    sort: Sort
    since: float
    files: tuple[Credential, ...]
    parts: tuple[tuple[str, Mapping[str, Any]], ...]
    key: str

    def __repr__(self) -> str:
        # What is printed by mistake holds no secret.
        return f"Held({self.provider}, {self.sort})"

    @property
    def key_tail(self) -> str:
        """The end of the key, by which a program remembers that its user accepted it."""
        return self.key[-_KEY_TAIL:]

    def describe(self) -> dict[str, Any]:
        """Its JSON; no secret."""
        return {
            "provider": self.provider,
            "kind": self.sort,
            "since": self.since,
            "files": [one.path for one in self.files],
        }


def account_folder(places: Places, provider: str) -> Path:
    """Where a provider's account lies; nothing is created by asking."""
    return places.state / "accounts" / provider


def make_account_folder(places: Places, provider: str) -> Path:
    """The same, made, for the user alone."""
    folder = account_folder(places, provider)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextlib.contextmanager
def hold_account(places: Places, provider: str) -> Iterator[Path]:
    """The folder, made and locked against others of this user. Held for milliseconds."""
    folder = make_account_folder(places, provider)
    with FileLock(folder / "lock", mode=0o600, timeout=10):
        yield folder


def read_account(places: Places, manifest: Manifest) -> Held | None:
    """The account there is, None for none. A key stands before a login."""
    account = manifest.account
    if account is None:
        return None
    folder = account_folder(places, manifest.name)
    key = _read_key(folder / "key")
    files, parts = read_credentials(account, folder / "home")
    if not key and not files:
        return None
    newest = folder / ("key" if key else f"home/{files[0].path}")
    is_key = bool(key) or (folder / "made-of-key").exists()
    return Held(
        provider=manifest.name,
        sort="key" if is_key else "login",
        since=newest.stat().st_mtime,
        files=() if key else files,
        parts=() if key else parts,
        key=key,
    )


def read_credentials(
    account: Account, home: Path
) -> tuple[tuple[Credential, ...], tuple[tuple[str, Mapping[str, Any]], ...]]:
    """What a login has left below a HOME that no agent writes: files, and parts of others."""
    files = []
    for path in account.files:
        with contextlib.suppress(OSError):
            written = (home / path).stat().st_mtime_ns
            files.append(Credential(path, (home / path).read_bytes(), written))
    parts = []
    for path, keys in account.parts.items():
        with contextlib.suppress(OSError, ValueError):
            said = json.loads((home / path).read_bytes())
            parts.append((path, {key: said[key] for key in keys if key in said}))
    return tuple(files), tuple(parts)


def check_key(text: str) -> str:
    """An API key as it was given. UsageFault when it is none; the fault does not show it."""
    key = text.strip()
    if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise UsageFault(
            "that is no API key: one line without spaces is expected on standard input",
            hint="give it on one line: … --key <file-with-the-key",
        )
    if " " in key:
        raise UsageFault("an API key has no spaces", hint="give the key alone, on one line")
    return key


def keep_key(places: Places, provider: str, key: str) -> None:
    """Stores an API key; a login there was is forgotten."""
    with hold_account(places, provider) as folder:
        fresh = folder / "key.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
        fresh.rename(folder / "key")
        (folder / "made-of-key").unlink(missing_ok=True)
        shutil.rmtree(folder / "home", ignore_errors=True)


def keep_login(places: Places, provider: str, home: Path, *, of_key: bool = False) -> None:
    """Takes a HOME that a login has just written as the account; a key there was is forgotten.
    of_key: the program has made its files from an API key."""
    with hold_account(places, provider) as folder:
        if (folder / "home").exists():
            (folder / "home").rename(folder / f"old-{time.monotonic_ns()}")
        home.rename(folder / "home")
        (folder / "key").unlink(missing_ok=True)
        if of_key:
            (folder / "made-of-key").touch()
        else:
            (folder / "made-of-key").unlink(missing_ok=True)
        for old in folder.glob("old-*"):
            shutil.rmtree(old, ignore_errors=True)


def forget_account(places: Places, provider: str) -> bool:
    """Removes an account; whether there was one."""
    folder = account_folder(places, provider)
    if not (folder / "key").exists() and not (folder / "home").exists():
        return False
    with hold_account(places, provider):
        for name in ("key", "made-of-key"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "home", ignore_errors=True)
    return True


def lend(held: Held, home: Path, owner: tuple[int, int]) -> None:
    """Puts copies into an agent's HOME where they are not there yet. Fault when it cannot be."""
    for file in held.files:
        if read_settled(home, file.path) != file.content:
            settle_files(home, [(file.path, file.content)], owner, whole=True, written=file.written)
    parts = [(path, json.dumps(part).encode()) for path, part in held.parts if part]
    settle_files(home, parts, owner)


def has_copies(account: Account, home: Path) -> bool:
    """Whether something was lent to an agent."""
    return any(read_settled(home, path) is not None for path in account.files)


def withdraw(account: Account, home: Path) -> None:
    """Takes the copies out of an agent's HOME, whatever has become of them."""
    for path in account.files:
        remove_settled(home, path)


def take_back(places: Places, manifest: Manifest, home: Path) -> bool:
    """Makes a token that an agent's program has renewed the account's own, if it is newer and
    of the same account; whether it was. Others get it when they are lent to again."""
    account = manifest.account
    if account is None:
        return False
    taken = False
    for path in account.files:
        place = account_folder(places, manifest.name) / "home" / path
        with contextlib.suppress(OSError):
            known = place.stat().st_mtime_ns
            renewed = read_settled(home, path, newer=known)
            if renewed and _is_same(account, place.read_bytes(), renewed):
                with hold_account(places, manifest.name):
                    settle_files(
                        account_folder(places, manifest.name) / "home",
                        [(path, renewed)],
                        (os.geteuid(), os.getegid()),
                        whole=True,
                    )
                taken = True
    return taken


def _is_same(account: Account, known: bytes, renewed: bytes) -> bool:
    """Whether a file that an agent may have written is a newer one of the same account: whole
    JSON with the same keys of the same kinds, and what names the account unchanged."""
    if known == renewed or len(renewed) > _LARGEST_CREDENTIAL:
        return False
    try:
        old, new = json.loads(known), json.loads(renewed)
    except (ValueError, RecursionError):
        return False
    return _has_shape(old, new) and all(_look(old, at) == _look(new, at) for at in account.same)


def _has_shape(old: object, new: object) -> bool:
    if isinstance(old, dict):
        return isinstance(new, dict) and all(
            key in new and _has_shape(value, new[key]) for key, value in old.items()
        )
    return old is None or type(old) is type(new)


def _look(value: object, dotted: str) -> object:
    for key in dotted.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _read_key(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
