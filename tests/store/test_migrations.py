"""Stores of other versions, and files that are none."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.store import migrations
from cash.store.database import open_store
from cash.store.journal import Journal
from cash.store.reader import open_reader
from cash.store.state import State
from cash.store.verify import verify_journal


def _version(path: Path) -> tuple[int, list[str]]:
    connection = sqlite3.connect(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    tables = [name for (name,) in rows]
    connection.close()
    return version, tables


def test_a_new_store_has_the_newest_version(path: Path) -> None:
    open_store(path).close()
    assert _version(path) == (
        len(migrations.MIGRATIONS),
        [
            *("answers", "chain", "claims", "events", "questions", "settings", "trusted"),
        ],
    )


def test_the_first_version_never_changes() -> None:
    """Stores of it are out there: what is new goes to the end of the table."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(migrations.MIGRATIONS[0])
    columns = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for table in ("events", "chain", "settings", "trusted")
    }
    connection.close()
    assert columns == {
        "events": ["id", "key", "time", "agent", "kind", "body", "hash"],
        "chain": ["one", "fingerprint", "pruned_count", "pruned_hash", "pruned_signature"],
        "settings": ["name", "value"],
        "trusted": ["sha256", "path", "since"],
    }


def test_an_older_store_is_brought_up(ten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = ("CREATE TABLE extra (a TEXT) STRICT;\nCREATE INDEX extra_a ON extra (a)",)
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS + added)
    journal = Journal.open(ten)
    assert len(journal.read()) == 10
    assert journal.verify().ok
    journal.close()
    version, tables = _version(ten)
    assert version == len(migrations.MIGRATIONS)
    assert "extra" in tables


def test_a_migration_that_fails_changes_nothing(ten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _version(ten)
    added = ("CREATE TABLE extra (a TEXT) STRICT;\nCREATE TABLE events (a TEXT)",)
    with monkeypatch.context() as changed:
        changed.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS + added)
        with pytest.raises(Fault):
            open_store(ten)
    assert _version(ten) == before
    Journal.open(ten).close()
    assert verify_journal(ten).ok


def test_many_open_a_new_store_at_once(path: Path) -> None:
    faults: list[BaseException] = []
    start = threading.Barrier(12)

    def open_it(place: int) -> None:
        start.wait()
        try:
            (Journal if place % 2 else State).open(path).close()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=open_it, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert verify_journal(path).ok


def _newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def _other_program(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()


def _text(path: Path) -> None:
    path.write_text("these are my notes, not a database\n" * 300)


def _head_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:2000] = bytes(1900)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        (_newer, "is of version 99, this polis knows 3", "upgrade polis"),
        (_other_program, "is no store of polis", "mv "),
        (_text, "is damaged", "mv "),
        (_head_page, "is damaged", "mv "),
    ],
)
def test_what_cannot_be_opened_is_left_as_it_is(
    ten: Path, spoil: object, message: str, hint: str
) -> None:
    assert callable(spoil)
    spoil(ten)
    before = ten.read_bytes()
    for opening in (Journal.open, State.open, open_store):
        with pytest.raises(Fault) as caught:
            opening(ten)  # type: ignore[operator]
        assert message in caught.value.message
        assert hint in (caught.value.hint or "")
    assert ten.read_bytes() == before
    assert sorted(file.name for file in ten.parent.iterdir() if "-" not in file.name) == [
        *("store.db", "store.db.head", "store.db.key")
    ]


def test_a_damaged_page_is_a_fault_for_readers(ten: Path) -> None:
    content = bytearray(ten.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    ten.write_bytes(content)
    reader = open_reader(ten)
    with pytest.raises(Fault) as caught:
        reader.read()
    reader.close()
    assert "is damaged" in caught.value.message
    assert not verify_journal(ten).ok


def test_a_store_of_the_first_version_keeps_what_it_holds(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        state = State.open(path)
        state.set_setting("level", "strict")
        state.close()
        assert _version(path)[0] == 1
    state = State.open(path)
    assert state.setting("level") == "strict"
    assert state.questions(0.0) == ()
    state.close()
