"""Proves that every event ever journaled is still there, unchanged and in its place."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cash.faults import Fault
from cash.store.chain import (
    Mark,
    differs_from,
    read_checkpoint,
    read_fingerprint,
    read_tail,
    walk_chain,
)
from cash.store.database import explained, open_for_reading
from cash.store.head import HeadDamaged, head_file, read_head
from cash.store.key import Key, key_file, read_key

HeadState = Literal["level", "behind", "ahead", "differs", "missing", "damaged", "unread"]


@dataclass(frozen=True, slots=True)
class Report:
    """What verify found.

    count: events present. bad: the first id that is wrong or missing; None when ok, or when the
    fault is of no single event. why: one line, "" when ok. head: where the head stands against
    the journal; behind is what a crash between commit and head leaves, and no fault.
    checkpoint: events up to this id were pruned; 0 for none.
    """

    ok: bool
    count: int = 0
    bad: int | None = None
    why: str = ""
    head: HeadState = "unread"
    checkpoint: int = 0


def verify_journal(path: Path, key: Path | None = None) -> Report:
    """Checks the store in the file, also while it is written to. Raises Fault when there is no
    store at all; everything else that is wrong is in the report."""
    if not path.exists():
        raise Fault(f"there is no store at {path} yet", hint="polis init")
    try:
        secret = read_key(key or key_file(path))
        # Read before the snapshot is taken: what is journaled in between leaves it behind.
        head = _read_head(head_file(path), secret)
        connection = open_for_reading(path)
    except Fault as fault:
        return Report(False, why=fault.message)
    try:
        with explained(path):
            connection.execute("BEGIN")
            return _verify(connection, secret, head)
    except Fault as fault:
        return Report(False, why=fault.message)
    finally:
        connection.close()


def _read_head(path: Path, key: Key) -> Mark | HeadDamaged | None:
    try:
        return read_head(path, key)
    except HeadDamaged as fault:
        return fault


def _verify(connection: sqlite3.Connection, key: Key, head: Mark | HeadDamaged | None) -> Report:
    count = int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
    fault = _examine_file(connection) or _examine_key(connection, key)
    if fault:
        return Report(False, count, why=fault)
    checkpoint = read_checkpoint(connection, key)
    if checkpoint is None:
        return Report(False, count, why="the checkpoint was removed or carries a wrong signature")
    walk = walk_chain(connection, key, checkpoint)
    state, lacking = _compare_head(connection, head, checkpoint)
    bad, why = walk.bad, walk.why
    if walk.told and bad is None:
        bad, why = walk.told
    if state == "ahead" and bad is None:
        bad = read_tail(connection).count + 1
    why = "; ".join(part for part in (why, lacking) if part)
    return Report(not why, count, bad, why, state, checkpoint.count)


def _examine_file(connection: sqlite3.Connection) -> str:
    """Damage below the journal: broken pages, an index that hides rows, planted triggers."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        return f"the file is damaged: {found}"
    row = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')"
    ).fetchone()
    return f"the file holds a foreign {row[0]!r}" if row else ""


def _examine_key(connection: sqlite3.Connection, key: Key) -> str:
    fingerprint = read_fingerprint(connection)
    if fingerprint is None:
        return "the journal's own record (its key and checkpoint) was removed"
    return "" if fingerprint == key.fingerprint else "the key is not the one it was written with"


def _compare_head(
    connection: sqlite3.Connection, head: Mark | HeadDamaged | None, checkpoint: Mark
) -> tuple[HeadState, str]:
    match head:
        case None:
            return "missing", "the head file is missing, so a cut end would not show"
        case HeadDamaged():
            return "damaged", f"the head file {head}"
        case Mark():
            tail = read_tail(connection)
            lacking = differs_from(connection, head, checkpoint)
            if head.count > tail.count:
                return "ahead", lacking
            if lacking:
                return "differs", lacking
            return "level" if head.count == tail.count else "behind", ""
