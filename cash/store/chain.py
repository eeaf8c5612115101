"""The chain: each event's hash covers the one before it, keyed, so that no one without the key
can change, remove, reorder or insert an event unseen."""

from __future__ import annotations

import hmac
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from cash.faults import Fault
from cash.store.event import Encoded
from cash.store.key import Key, make_key, read_key

# An event of this kind says what the journal found wrong with itself when it was opened.
BROKEN = "broken"

_CHECKPOINT = b"checkpoint"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the chain. count: how many events were ever written up to here, which, as ids
    have no gaps, is also the id of the last; hash: that event's."""

    count: int
    hash: bytes

    def sign(self, key: Key, purpose: bytes) -> bytes:
        """What proves that the holder of the key put the mark here."""
        return key.sign(purpose, b"%d\0" % self.count + self.hash)


# Before the first event.
START = Mark(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk along the chain found. count: events seen; bad, why: the first event that is
    wrong or missing (the walk ends there); told: the first sound event in which the journal
    itself reports a fault, and what it says."""

    count: int
    bad: int | None = None
    why: str = ""
    told: tuple[int, str] | None = None


def link_event(key: Key, before: bytes, number: int, event: Encoded) -> bytes:
    """The hash of an event under that id, behind one with the hash `before`."""
    fields = (number, event.key, event.time, event.agent, event.kind, event.body)
    return key.sign(b"event", before + json.dumps(fields).encode())


def walk_chain(
    connection: sqlite3.Connection, key: Key, start: Mark, until: int | None = None
) -> Walk:
    """Checks every event behind `start`, to the id `until` or to the end."""
    rows = connection.execute(
        "SELECT id, key, time, agent, kind, body, hash FROM events "
        "WHERE id > ? AND id <= ? ORDER BY id",
        (start.count, until if until is not None else (1 << 63) - 1),
    )
    last, count, told = start, 0, None
    for number, name, time, agent, kind, body, found in rows:
        if number != last.count + 1:
            return Walk(count, last.count + 1, f"event {last.count + 1} is missing", told)
        event = Encoded(name, time, agent, kind, body)
        if not hmac.compare_digest(found, link_event(key, last.hash, number, event)):
            return Walk(count, number, f"event {number} was changed, moved or forged", told)
        if kind == BROKEN and told is None:
            told = (number, f"event {number} reports: {json.loads(body).get('why')}")
        last, count = Mark(number, found), count + 1
    return Walk(count, told=told)


def read_tail(connection: sqlite3.Connection) -> Mark:
    """The newest event as the file shows it, unproved; the checkpoint when all are pruned."""
    row = connection.execute("SELECT id, hash FROM events ORDER BY id DESC LIMIT 1").fetchone()
    row = row or connection.execute("SELECT pruned_count, pruned_hash FROM chain").fetchone()
    return Mark(*row) if row else START


def read_checkpoint(connection: sqlite3.Connection, key: Key) -> Mark | None:
    """Up to where events were pruned, START if none were; None when the signature is wrong."""
    row = connection.execute(
        "SELECT pruned_count, pruned_hash, pruned_signature FROM chain"
    ).fetchone()
    if row is None:
        return None
    mark = Mark(row[0], row[1])
    return mark if hmac.compare_digest(row[2], mark.sign(key, _CHECKPOINT)) else None


def write_checkpoint(connection: sqlite3.Connection, key: Key, mark: Mark) -> None:
    """Records, signed, that the chain now starts behind the mark."""
    connection.execute(
        "INSERT OR REPLACE INTO chain VALUES (1, ?, ?, ?, ?)",
        (key.fingerprint, mark.count, mark.hash, mark.sign(key, _CHECKPOINT)),
    )


def read_fingerprint(connection: sqlite3.Connection) -> str | None:
    """Whose key the chain is made with; None in a file that has no chain yet."""
    row = connection.execute("SELECT fingerprint FROM chain").fetchone()
    return row and str(row[0])


def differs_from(connection: sqlite3.Connection, mark: Mark, start: Mark) -> str:
    """Why the file cannot have grown out of a journal that once reached `mark`, "" if it can.
    start: the checkpoint. Only looks at the marked event itself."""
    tail = read_tail(connection)
    if mark.count > tail.count:
        return f"events {tail.count + 1} to {mark.count} were cut off"
    if mark.count < start.count:
        return ""  # pruned since; the checkpoint's signature vouches for it
    row = connection.execute("SELECT hash FROM events WHERE id = ?", (mark.count,)).fetchone()
    found = row[0] if row else start.hash if mark.count == start.count else None
    if found is None:
        return f"event {mark.count} is missing"
    return "" if found == mark.hash else f"event {mark.count} is not the one the head knows"


def match_key(connection: sqlite3.Connection, path: Path) -> Key:
    """The key the chain is made with; a new one only for a file without any event.

    Raises Fault when the key is gone, or is another one than the chain was made with."""
    fingerprint = read_fingerprint(connection)
    if fingerprint is None and read_tail(connection) == START:
        return make_key(path)
    key = read_key(path)
    if fingerprint not in (None, key.fingerprint):
        raise Fault(
            f"the key {path} is not the one the journal was written with",
            hint="put the right file back from a backup, or move the whole store away",
        )
    return key
