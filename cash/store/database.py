"""Opens the SQLite file: write-ahead log, every commit on the disk before it counts."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cash.faults import Fault
from cash.store.migrations import migrate, read_version

# Writers of one user are few and short; readers never block in WAL mode.
_PATIENCE = 30.0


def open_store(path: Path) -> sqlite3.Connection:
    """A connection that may write, to a file of this program's version, made if missing.

    Transactions are explicit. Threads may share it if they take turns. Raises Fault.
    """
    with explained(path):
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives -wal and -shm the permissions of the file itself.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as fault:
            raise Fault(f"cannot open the store {path}: {fault.strerror}") from fault
        connection = _connect(path, "rw")
        try:
            # First of all: a file that is not ours stays as it is.
            read_version(connection, str(path))
            # Pruned text is to be gone from the disk, and its room given back.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA trusted_schema = OFF")
            migrate(connection, str(path))
        except BaseException:
            connection.close()
            raise
        return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises Fault, also when there is no store yet."""
    with explained(path):
        if not path.exists():
            raise Fault(f"there is no store at {path} yet", hint="polis init")
        connection = _connect(path, "ro")
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's errors about the file as Faults that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain_error(error, path) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has made SQLite roll back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def explain_error(error: sqlite3.Error, path: Path) -> Fault:
    """A Fault for what SQLite reports about the file; nothing is moved or removed."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL") or (name.startswith("SQLITE_IOERR") and _is_full(path)):
        return Fault(
            f"no room left on the disk for the store {path}",
            hint=f"free some space (df -h {shlex.quote(str(path.parent))}) and try again",
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        quoted = shlex.quote(str(path))
        return Fault(
            f"the store {path} is damaged ({error})",
            hint=f"polis down, keep it for a look (mv {quoted} {quoted}.damaged, also its -wal "
            "and -shm), then polis init starts a new one",
        )
    if name.startswith("SQLITE_BUSY"):
        return Fault(f"another program holds the store {path}", hint=f"see fuser -v {path}")
    return Fault(
        f"cannot write the store {path} ({error})",
        hint=f"see that its folder is yours and has room (ls -ld, df -h {path.parent})",
    )


def _is_full(path: Path) -> bool:
    try:
        room = os.statvfs(path.parent)
    except OSError:
        return False
    return room.f_bavail == 0 or (room.f_files > 0 and room.f_favail == 0)
