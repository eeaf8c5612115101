"""The reading side: any number of processes, none of which can change the journal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from cash.store.body import JSON
from cash.store.database import explained, open_for_reading
from cash.store.event import Entry, Event

_COLUMNS = "SELECT id, key, time, agent, kind, body FROM events"


class Reader:
    """A read-only view that sees each commit as soon as it is made. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_for_reading(path)

    def read(
        self, after: int = 0, agent: str | None = None, kind: str | None = None, limit: int = 1000
    ) -> tuple[Entry, ...]:
        """Entries with a higher id than `after`, oldest first; go on from the last one's id."""
        with explained(self.path):
            return read_entries(self._connection, after, agent, kind, limit)

    def newest(
        self, limit: int = 20, agent: str | None = None, kind: str | None = None
    ) -> tuple[Entry, ...]:
        """The last entries, oldest first."""
        with explained(self.path):
            where, values = _conditions(agent, kind)
            query = f"{_COLUMNS} WHERE {where} ORDER BY id DESC LIMIT ?"
            rows = self._connection.execute(query, (*values, limit)).fetchall()
        return _entries(reversed(rows))

    def find(self, key: str) -> Entry | None:
        """The entry of that key."""
        with explained(self.path):
            rows = self._connection.execute(f"{_COLUMNS} WHERE key = ?", (key,)).fetchall()
        return next(iter(_entries(rows)), None)

    def last(self) -> int:
        """The id of the newest entry, 0 when there is none."""
        with explained(self.path):
            row = self._connection.execute("SELECT max(id) FROM events").fetchone()
        return int(row[0] or 0)

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()


def open_reader(path: Path) -> Reader:
    """A read-only view of the store in the file. Raises Fault when there is none."""
    return Reader(path)


def read_entries(
    connection: sqlite3.Connection, after: int, agent: str | None, kind: str | None, limit: int
) -> tuple[Entry, ...]:
    """Entries behind `after`, oldest first, at most `limit`."""
    where, values = _conditions(agent, kind)
    query = f"{_COLUMNS} WHERE id > ? AND {where} ORDER BY id LIMIT ?"
    return _entries(connection.execute(query, (after, *values, limit)))


def _conditions(agent: str | None, kind: str | None) -> tuple[str, tuple[str, ...]]:
    given = [
        (name, value) for name, value in (("agent", agent), ("kind", kind)) if value is not None
    ]
    where = " AND ".join(f"{name} = ?" for name, _ in given) or "TRUE"
    return where, tuple(value for _, value in given)


def _entries(rows: Iterable[tuple[int, str, float, str, str, str]]) -> tuple[Entry, ...]:
    return tuple(
        Entry(number, Event(key, time, agent, kind, _body(text)))
        for number, key, time, agent, kind, text in rows
    )


def _body(text: str) -> dict[str, JSON]:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    # Only someone who changed the file can have made this; verify says where, the log goes on.
    return body if isinstance(body, dict) else {"damaged": text}
