"""The store's tables, version by version. A release only ever adds to the end of the table."""

from __future__ import annotations

import sqlite3

from cash.faults import Fault

# "poli": tells a store from any other SQLite file (PRAGMA application_id).
APPLICATION = 0x706F6C69

_FIRST = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    time REAL NOT NULL,
    agent TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX events_of_agent ON events (agent, id);
CREATE TABLE chain (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    fingerprint TEXT NOT NULL,
    pruned_count INTEGER NOT NULL,
    pruned_hash BLOB NOT NULL,
    pruned_signature BLOB NOT NULL
) STRICT;
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE trusted (
    sha256 TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    since REAL NOT NULL
) STRICT;
CREATE TABLE answers (
    line BLOB NOT NULL,
    session TEXT NOT NULL,
    agent TEXT NOT NULL,
    decision TEXT NOT NULL,
    scope TEXT NOT NULL,
    expiry REAL NOT NULL,
    PRIMARY KEY (line, session)
) STRICT;
"""

# seal: keyed, over all the rest: a row that somebody else has put or changed here is not shown.
_QUESTIONS = """
CREATE TABLE questions (
    id TEXT NOT NULL,
    key TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    subject BLOB NOT NULL,
    asked REAL NOT NULL,
    shown TEXT NOT NULL,
    seal BLOB NOT NULL
) STRICT;
"""

# body: JSON (cash/guard/claim.py). seal: keyed, over the rest.
_CLAIMS = """
CREATE TABLE claims (
    fence INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    seal BLOB NOT NULL
) STRICT;
"""

# The place in the table is the version it leads to: the first leads to 1.
MIGRATIONS: tuple[str, ...] = (_FIRST, _QUESTIONS, _CLAIMS)


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Brings the file's tables to this program's version, whole or not at all. Raises what
    read_version does."""
    if read_version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for number in range(read_version(connection, path), len(MIGRATIONS)):
            for statement in MIGRATIONS[number].split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_version(connection: sqlite3.Connection, path: str) -> int:
    """The version of the file's tables, 0 for an empty one. Changes nothing in it. Raises Fault
    when it is no store, or a newer program's."""
    # In one statement, which sees one state of the file: another may be making it just now.
    version, application, tables = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
        "FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if application != APPLICATION and (version or tables):
        raise Fault(f"{path} is no store of polis", hint=f"move it away: mv {path} {path}.other")
    if version > len(MIGRATIONS):
        raise Fault(
            f"the store {path} is of version {version}, this polis knows {len(MIGRATIONS)}",
            hint="upgrade polis (pipx upgrade polis), or go on with the newer one",
        )
    return int(version)
