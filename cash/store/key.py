"""The secret that makes the journal's chain impossible to forge, in a file of its own."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cash.faults import Fault

_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Key:
    """32 random bytes. It lies beside the store, which no agent's walls show."""

    secret: bytes = field(repr=False)

    def sign(self, purpose: bytes, data: bytes) -> bytes:
        """HMAC-SHA256 of data, 32 bytes; purposes keep signatures from standing for another."""
        return hmac.digest(self.secret, purpose + b"\0" + data, "sha256")

    @property
    def fingerprint(self) -> str:
        """Tells one key from another without showing it."""
        return self.sign(b"fingerprint", b"").hex()[:16]


def key_file(store: Path) -> Path:
    """Where the key of a store lies unless told otherwise."""
    return store.with_name(store.name + ".key")


def read_key(path: Path) -> Key:
    """The key in the file. Raises Fault when it is missing, too open or damaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise Fault(
            f"the journal's key {path} is missing",
            hint="put the file back from a backup; without it the journal cannot be proved",
        ) from None
    except OSError as fault:
        raise Fault(f"cannot read the journal's key {path}: {fault.strerror}") from fault
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        content = file.read(_LENGTH + 1)
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise Fault(f"others may read the journal's key {path}", hint=f"chmod 600 {path}")
    if len(content) != _LENGTH:
        raise Fault(f"the journal's key {path} is damaged", hint="put the file back from a backup")
    return Key(content)


def make_key(path: Path) -> Key:
    """The key in the file, made first if there is none; two makers at once get the same one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_LENGTH))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces a key that someone else just made.
        os.link(fresh, path)
        _sync_folder(path.parent)
    except FileExistsError:
        pass
    except OSError as fault:
        raise Fault(f"cannot make the journal's key {path}: {fault.strerror}") from fault
    finally:
        fresh.unlink(missing_ok=True)
    return read_key(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
