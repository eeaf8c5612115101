"""The head: how far the journal reaches, in a small signed file beside it.

A chain alone cannot show that its end was cut off; the head does. It is replaced after each
commit, so a crash in between leaves it behind the journal, never ahead.
"""

from __future__ import annotations

import errno
import hmac
import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from cash.store.chain import Mark
from cash.store.key import Key

_PURPOSE = b"head"
# Seconds after which nobody is still writing.
_LEFT = 60.0


class HeadDamaged(ValueError):
    """The file is there, but nobody with this key wrote what it says."""


def head_file(store: Path) -> Path:
    """Where the head of a store lies."""
    return store.with_name(store.name + ".head")


def read_head(path: Path, key: Key) -> Mark | None:
    """The mark in the file; None when there is no file. Raises HeadDamaged."""
    try:
        text = path.read_bytes()[:1024]
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise HeadDamaged(f"cannot be read: {fault.strerror}") from fault
    try:
        fields = json.loads(text)
        mark = Mark(int(fields["count"]), bytes.fromhex(fields["hash"]))
        signature = bytes.fromhex(fields["signature"])
    except (ValueError, KeyError, TypeError) as fault:
        raise HeadDamaged("is no head") from fault
    if not hmac.compare_digest(signature, mark.sign(key, _PURPOSE)):
        raise HeadDamaged("carries a wrong signature")
    return mark


def write_head(path: Path, mark: Mark, key: Key) -> None:
    """Replaces the file as one. Raises OSError; the old one is whole then."""
    signature = mark.sign(key, _PURPOSE).hex()
    content = {"count": mark.count, "hash": mark.hash.hex(), "signature": signature}
    # One writer has one head; a name of its own keeps a second one from spoiling the first's.
    fresh = path.with_name(f"{path.name}.{threading.get_native_id()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        descriptor = os.open(fresh, flags, 0o600)
        try:
            text = json.dumps(content).encode() + b"\n"
            if os.write(descriptor, text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            # Without this some filesystems show an empty file after a power cut, and that would
            # be a false alarm. The rename itself may be lost: then the head is only behind.
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def remove_leftovers(path: Path) -> None:
    """Removes what a writer left that was killed just before it replaced the file."""
    for fresh in path.parent.glob(f"{path.name}.*.new"):
        with suppress(OSError):
            if fresh.stat().st_mtime < time.time() - _LEFT:
                fresh.unlink()
