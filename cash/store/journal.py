"""The journal: events in order, chained so that whatever is done to them later shows."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from cash.faults import Fault
from cash.store.body import JSON
from cash.store.chain import (
    BROKEN,
    START,
    Mark,
    differs_from,
    link_event,
    match_key,
    read_checkpoint,
    read_fingerprint,
    read_tail,
    walk_chain,
    write_checkpoint,
)
from cash.store.database import explained, open_store, transaction
from cash.store.event import Encoded, Entry, Event, encode_event
from cash.store.head import HeadDamaged, head_file, read_head, remove_leftovers, write_head
from cash.store.key import Key, key_file
from cash.store.reader import read_entries
from cash.store.verify import Report, verify_journal


class Journal:
    """The writing side; one process has it open, and one thread at a time uses it.

    Every method raises Fault when the disk or the file does not let it, with nothing half done.
    What is found to have been tampered with is journaled (kind "broken") and never healed, so
    that verify goes on reporting it.
    """

    def __init__(self, path: Path, key: Path | None = None) -> None:
        self.path = path
        self._key_path = key or key_file(path)
        self._connection = open_store(path)
        try:
            with explained(path):
                self._key = match_key(self._connection, self._key_path)
                with transaction(self._connection):
                    # What the file must have grown out of; a text says why that is not known.
                    head = head_file(path)
                    self._trusted: Mark | str = _begin(self._connection, self._key, head)
                    tail = self._settle()
                self._trusted = tail
        except BaseException:
            self._connection.close()
            raise
        remove_leftovers(head_file(path))
        self.mark_head()

    @classmethod
    def open(cls, path: Path, key: Path | None = None) -> Journal:
        """The journal in the file, made first if missing. key: the key's file, beside the store
        unless told otherwise.

        Raises Fault when the store is newer, damaged or no store, and when its key is gone or
        another: to go on with a new key would hide what was done to the events before.
        """
        return cls(path, key)

    def append(self, events: Sequence[Event]) -> list[int]:
        """Journals all the events or none, redacted; their ids once they are on the disk.
        An event whose key is known already gets that one's id."""
        placed = self.commit([encode_event(event) for event in events])
        self.mark_head()
        return [number for number, _ in placed]

    def commit(self, events: Sequence[Encoded]) -> list[tuple[int, bool]]:
        """The first half of append, for a writer that answers before the head is replaced:
        ids, each with whether the event is new."""
        with explained(self.path):
            with transaction(self._connection):
                tail = self._settle()
                placed = []
                for event in events:
                    known = self._find(event.key)
                    if known is None:
                        tail = self._insert(tail, event)
                    placed.append((known or tail.count, known is None))
            self._trusted = tail
        return placed

    def mark_head(self) -> bool:
        """Brings the head up to the last commit. False when the disk does not let it: then it
        is only behind, which is no fault, and the next call makes up for it."""
        try:
            write_head(head_file(self.path), self.tail, self._key)
        except OSError:
            return False
        return True

    @property
    def tail(self) -> Mark:
        """Where the journal now ends."""
        assert isinstance(self._trusted, Mark), "opened"
        return self._trusted

    def read(
        self, after: int = 0, agent: str | None = None, kind: str | None = None, limit: int = 1000
    ) -> tuple[Entry, ...]:
        """Entries with a higher id than `after`, oldest first."""
        with explained(self.path):
            return read_entries(self._connection, after, agent, kind, limit)

    def verify(self) -> Report:
        """Whether every event ever journaled is still there and as it was."""
        return verify_journal(self.path, self._key_path)

    def prune(self, before: float, *, even_if_broken: bool = False) -> int:
        """Removes the events at the beginning that are older than `before` (Unix seconds), and
        returns how many. A signed checkpoint takes their place and an event says so.

        Raises Fault when they do not verify: removing them would remove the evidence.
        """
        with explained(self.path):
            with transaction(self._connection):
                tail = self._settle()
                mark = self._last_before(before)
                if mark is None:
                    return 0
                if not even_if_broken:
                    self._refuse_broken(mark.count)
                removed = self._remove(mark)
                tail = self._insert(tail, _pruned(before, removed, mark))
            self._trusted = tail
            self.mark_head()
            # A script, as execute() would step this pragma only once, and free a single page.
            self._connection.executescript("PRAGMA incremental_vacuum")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return removed

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def _find(self, key: str) -> int | None:
        row = self._connection.execute("SELECT id FROM events WHERE key = ?", (key,)).fetchone()
        return row and int(row[0])

    def _insert(self, tail: Mark, event: Encoded) -> Mark:
        number = tail.count + 1
        link = link_event(self._key, tail.hash, number, event)
        self._connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, event.key, event.time, event.agent, event.kind, event.body, link),
        )
        return Mark(number, link)

    def _settle(self) -> Mark:
        """The tail to go on from, inside a transaction. What the file shows must be what was
        last known of it, or must have grown out of that honestly."""
        tail = read_tail(self._connection)
        if tail == self._trusted:
            return tail
        why = self._distrust(self._trusted)
        if not why:
            return tail
        # Ids that were given out are not given out again: the gap stays as evidence.
        known = self._trusted.count if isinstance(self._trusted, Mark) else 0
        return self._insert(Mark(max(known, tail.count), tail.hash), _broken(why))

    def _distrust(self, trusted: Mark | str) -> str:
        if isinstance(trusted, str):
            return trusted
        checkpoint = read_checkpoint(self._connection, self._key)
        if checkpoint is None:
            return "the checkpoint carries a wrong signature"
        start = trusted if trusted.count > checkpoint.count else checkpoint
        return (
            differs_from(self._connection, trusted, checkpoint)
            or walk_chain(self._connection, self._key, start).why
        )

    def _last_before(self, before: float) -> Mark | None:
        row = self._connection.execute(
            "SELECT id, hash FROM events WHERE id < "
            "(SELECT coalesce(min(id), 1 << 62) FROM events WHERE time >= ?) "
            "ORDER BY id DESC LIMIT 1",
            (before,),
        ).fetchone()
        return Mark(*row) if row else None

    def _refuse_broken(self, until: int) -> None:
        start = read_checkpoint(self._connection, self._key)
        walk = walk_chain(self._connection, self._key, start or START, until)
        why = walk.why or (walk.told and walk.told[1]) or ("" if start else "wrong checkpoint")
        if why:
            raise Fault(
                f"what is to be pruned does not verify: {why}",
                hint="look into it first (polis log verify); copy the store away as evidence",
            )

    def _remove(self, mark: Mark) -> int:
        removed = self._connection.execute("DELETE FROM events WHERE id <= ?", (mark.count,))
        write_checkpoint(self._connection, self._key, mark)
        return removed.rowcount


def _begin(connection: sqlite3.Connection, key: Key, head: Path) -> Mark | str:
    """What the head says, or why it says nothing. A file without events gets its chain: the
    head first, so that from then on a missing head means that someone took it."""
    if read_fingerprint(connection) is None:
        if read_tail(connection) == START:
            _write_first_head(head, key)
            write_checkpoint(connection, key, START)
            return START
        write_checkpoint(connection, key, START)
        return "the journal's own record (its key and checkpoint) was removed"
    try:
        return read_head(head, key) or "the head file was missing"
    except HeadDamaged as fault:
        return f"the head file {fault}"


def _write_first_head(path: Path, key: Key) -> None:
    try:
        write_head(path, START, key)
    except OSError as fault:
        raise Fault(f"cannot write {path}: {fault.strerror}") from fault


def _broken(why: str) -> Encoded:
    event = Event(f"{BROKEN}:{uuid.uuid4()}", time.time(), "", BROKEN, {"why": why})
    return encode_event(event)


def _pruned(before: float, removed: int, mark: Mark) -> Encoded:
    body: dict[str, JSON] = {
        "before": before,
        "removed": removed,
        "until": mark.count,
        "hash": mark.hash.hex(),
    }
    return encode_event(Event(f"pruned:{mark.count}", time.time(), "", "pruned", body))
