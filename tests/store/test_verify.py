"""Whatever is done to the journal without its key shows, and goes on showing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cash.faults import Fault
from cash.store.chain import Mark, link_event
from cash.store.event import Event, encode_event
from cash.store.head import head_file, write_head
from cash.store.journal import Journal
from cash.store.key import Key, key_file
from cash.store.verify import Report, verify_journal
from cash.store.writer import Writer

Make = Callable[..., Event]


def _sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def _swap(path: Path, first: int, second: int) -> None:
    _sql(
        path,
        f"UPDATE events SET id = 1000 WHERE id = {first}",
        f"UPDATE events SET id = {first} WHERE id = {second}",
        f"UPDATE events SET id = {second} WHERE id = 1000",
    )


def _forge(path: Path, number: int, before: int) -> None:
    """As good as it gets without the key: right in everything but the secret."""
    connection = sqlite3.connect(path, isolation_level=None)
    link = connection.execute("SELECT hash FROM events WHERE id = ?", (before,)).fetchone()[0]
    forged = encode_event(Event("forged", 1005.5, "alice", "line", {"line": "rm -rf /"}))
    new = link_event(Key(bytes(32)), link, number, forged)
    connection.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, forged.key, forged.time, forged.agent, forged.kind, forged.body, new),
    )
    connection.close()


def _insert_in_the_middle(path: Path) -> None:
    _sql(
        path,
        "UPDATE events SET id = -id WHERE id >= 5",
        "UPDATE events SET id = -id + 1 WHERE id < 0",
    )
    _forge(path, 5, 4)


def _rewrite_chain(path: Path) -> None:
    """Every hash from event 4 on made again, with a key of the forger's own."""
    connection = sqlite3.connect(path, isolation_level=None)
    last = connection.execute("SELECT hash FROM events WHERE id = 3").fetchone()[0]
    connection.execute("UPDATE events SET agent = 'eve' WHERE id = 4")
    rows = connection.execute("SELECT * FROM events WHERE id >= 4 ORDER BY id").fetchall()
    for number, key, time, agent, kind, body, _ in rows:
        stored = encode_event(Event(key, time, agent, kind, json.loads(body)))
        last = link_event(Key(bytes(32)), last, number, stored)
        connection.execute("UPDATE events SET hash = ? WHERE id = ?", (last, number))
    connection.close()
    write_head(head_file(path), Mark(10, last), Key(bytes(32)))


def _splice_from_a_copy(path: Path) -> None:
    """An event that has the right key's signature, and its place, in another life of the store."""
    copy = path.parent.parent / "copy" / path.name
    shutil.copytree(path.parent, copy.parent)
    journal = Journal.open(copy)
    journal._connection.execute("DELETE FROM events WHERE id > 4")
    journal._trusted = Mark(
        4, journal._connection.execute("SELECT hash FROM events").fetchall()[3][0]
    )
    events = [Event(f"other-{n}", 1000.0 + n, "bob", "line", {"n": n}) for n in range(5, 11)]
    journal.append(events)
    row = journal._connection.execute("SELECT * FROM events WHERE id = 6").fetchone()
    journal.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()


def _edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def _replace_key(path: Path) -> None:
    key_file(path).write_bytes(os.urandom(32))


def _hide_by_index(path: Path) -> None:
    """Rows that a reader by agent would not see: the index says they are not alice's."""
    _sql(
        path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE INDEX events_of_agent ON events (kind, id)' "
        "WHERE name = 'events_of_agent'",
    )


# name -> (what is done to the file, first bad id, part of why, where the head then stands)
_DEEDS: dict[str, tuple[Callable[[Path], object], int | None, str, str]] = {
    "body": (
        lambda p: _sql(p, "UPDATE events SET body = replace(body, 'allow', 'deny') WHERE id = 4"),
        *(4, "event 4 was changed", "level"),
    ),
    "blank in body": (
        lambda p: _sql(p, "UPDATE events SET body = body || ' ' WHERE id = 4"),
        *(4, "event 4 was changed", "level"),
    ),
    "agent": (
        lambda p: _sql(p, "UPDATE events SET agent = 'eve' WHERE id = 1"),
        *(1, "event 1 was changed", "level"),
    ),
    "time": (
        lambda p: _sql(p, "UPDATE events SET time = time + 1 WHERE id = 10"),
        *(10, "event 10 was changed", "level"),
    ),
    "key": (
        lambda p: _sql(p, "UPDATE events SET key = 'other' WHERE id = 7"),
        *(7, "event 7 was changed", "level"),
    ),
    "hash": (
        lambda p: _sql(p, "UPDATE events SET hash = zeroblob(32) WHERE id = 10"),
        *(10, "event 10 was changed", "differs"),
    ),
    "one deleted": (
        lambda p: _sql(p, "DELETE FROM events WHERE id = 5"),
        *(5, "event 5 is missing", "level"),
    ),
    "one deleted, the gap closed": (
        lambda p: _sql(
            p, "DELETE FROM events WHERE id = 5", "UPDATE events SET id = id - 1 WHERE id > 5"
        ),
        *(5, "event 5 was changed, moved", "ahead"),
    ),
    "the first deleted": (
        lambda p: _sql(p, "DELETE FROM events WHERE id <= 3"),
        *(1, "event 1 is missing", "level"),
    ),
    "the last cut off": (
        lambda p: _sql(p, "DELETE FROM events WHERE id = 10"),
        *(10, "events 10 to 10 were cut off", "ahead"),
    ),
    "the end cut off": (
        lambda p: _sql(p, "DELETE FROM events WHERE id > 6"),
        *(7, "events 7 to 10 were cut off", "ahead"),
    ),
    "all deleted": (
        lambda p: _sql(p, "DELETE FROM events"),
        *(1, "events 1 to 10 were cut off", "ahead"),
    ),
    "neighbours swapped": (lambda p: _swap(p, 4, 5), 4, "event 4 was changed, moved", "level"),
    "first and last swapped": (lambda p: _swap(p, 1, 10), 1, "event 1 was changed", "differs"),
    "forged at the end": (lambda p: _forge(p, 11, 10), 11, "event 11 was changed", "behind"),
    "forged in the middle": (_insert_in_the_middle, 5, "event 5 was changed", "differs"),
    "spliced from a copy": (_splice_from_a_copy, 6, "event 6 was changed", "level"),
    "chained again": (_rewrite_chain, 4, "event 4 was changed", "damaged"),
    "head removed": (
        lambda p: head_file(p).unlink(),
        *(None, "head file is missing", "missing"),
    ),
    "head emptied": (
        lambda p: head_file(p).write_bytes(b""),
        *(None, "head file is no head", "damaged"),
    ),
    "head changed": (
        lambda p: _edit(head_file(p), lambda text: text.replace(b'"count": 1', b'"count": 2')),
        *(None, "wrong signature", "damaged"),
    ),
    "checkpoint moved": (
        lambda p: _sql(
            p,
            "UPDATE chain SET pruned_count = 3, "
            "pruned_hash = (SELECT hash FROM events WHERE id = 3)",
            "DELETE FROM events WHERE id <= 3",
        ),
        *(None, "checkpoint was removed or carries a wrong signature", "unread"),
    ),
    "own record removed": (
        lambda p: _sql(p, "DELETE FROM chain"),
        *(None, "own record", "unread"),
    ),
    "trigger planted": (
        lambda p: _sql(
            p, "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM settings; END"
        ),
        *(None, "foreign 't'", "unread"),
    ),
    "index bent": (_hide_by_index, None, "the file is damaged", "unread"),
    "file cut": (
        lambda p: _edit(p, lambda content: content[: len(content) // 2]),
        *(None, "", "unread"),
    ),
    "key removed": (lambda p: key_file(p).unlink(), None, "is missing", "unread"),
    "key replaced": (_replace_key, None, "key is not the one", "unread"),
    "key emptied": (lambda p: key_file(p).write_bytes(b""), None, "is damaged", "unread"),
    "key open to all": (lambda p: key_file(p).chmod(0o644), None, "others may read", "unread"),
}


@pytest.mark.parametrize("deed", _DEEDS)
def test_it_shows(ten: Path, deed: str) -> None:
    assert verify_journal(ten) == Report(True, 10, head="level")
    act, bad, why, head = _DEEDS[deed]
    act(ten)
    report = verify_journal(ten)
    assert not report.ok
    assert (report.bad, report.head) == (bad, head), report
    assert report.why
    assert why in report.why


# After these the journal can be written on, and must not hide them by that.
_WRITABLE = [
    name for name in _DEEDS if name not in ("index bent", "file cut") and "key " not in name
]


@pytest.mark.parametrize("deed", _WRITABLE)
def test_writing_on_heals_nothing(ten: Path, event: Make, deed: str) -> None:
    _DEEDS[deed][0](ten)
    for number in (21, 22):
        journal = Journal.open(ten)
        journal.append([event(number)])
        journal.close()
    report = verify_journal(ten)
    assert not report.ok
    assert report.why


@pytest.mark.parametrize("deed", _WRITABLE)
def test_it_shows_under_a_running_writer_too(ten: Path, event: Make, deed: str) -> None:
    journal = Journal.open(ten)
    _DEEDS[deed][0](ten)
    assert not verify_journal(ten).ok
    journal.append([event(23)])
    journal.append([event(24)])
    report = verify_journal(ten)
    # A head that is taken away is written anew from memory: nothing was lost by that.
    assert report.ok == deed.startswith("head ")
    journal.close()


@pytest.mark.parametrize("deed", ["key removed", "key replaced", "key emptied", "key open to all"])
def test_nothing_is_written_without_the_key(ten: Path, deed: str) -> None:
    _DEEDS[deed][0](ten)
    before = key_file(ten).read_bytes() if key_file(ten).exists() else None
    with pytest.raises(Fault) as caught:
        Journal.open(ten)
    assert caught.value.hint
    assert (key_file(ten).read_bytes() if key_file(ten).exists() else None) == before


def test_ids_that_were_cut_off_are_not_given_out_again(ten: Path, event: Make) -> None:
    _sql(ten, "DELETE FROM events WHERE id > 6")
    journal = Journal.open(ten)
    assert journal.append([event(30)]) == [12]
    told = journal.read(after=6)[0]
    assert (told.id, told.event.kind) == (11, "broken")
    assert told.event.body["why"] == "events 7 to 10 were cut off"
    journal.close()
    assert verify_journal(ten).bad == 7


def test_a_crash_between_commit_and_head_is_no_alarm(ten: Path, event: Make) -> None:
    journal = Journal.open(ten)
    journal.commit([encode_event(event(number)) for number in (11, 12, 13)])
    journal.close()
    assert verify_journal(ten) == Report(True, 13, head="behind")
    journal = Journal.open(ten)
    assert journal.verify() == Report(True, 13, head="level")
    journal.close()


def test_a_crash_in_pruning_before_the_head_is_no_alarm(ten: Path, event: Make) -> None:
    old = head_file(ten).read_bytes()
    journal = Journal.open(ten)
    journal.append([event(11)])
    journal.prune(before=1e18)
    journal.close()
    head_file(ten).write_bytes(old)
    assert verify_journal(ten) == Report(True, 1, head="behind", checkpoint=11)
    journal = Journal.open(ten)
    assert journal.append([event(13)]) == [13]
    assert journal.verify() == Report(True, 2, head="level", checkpoint=11)
    journal.close()


def test_a_crash_in_the_first_moments_is_no_alarm(path: Path, event: Make) -> None:
    Journal.open(path).close()
    _sql(path, "DELETE FROM chain")
    head_file(path).unlink()
    journal = Journal.open(path)
    assert journal.append([event(1)]) == [1]
    assert journal.verify().ok
    journal.close()


def test_what_is_written_meanwhile_is_no_alarm(ten: Path, event: Make) -> None:
    journal = Journal.open(ten)
    for number in range(11, 40):
        journal.commit([encode_event(event(number))])
        assert verify_journal(ten).ok
        journal.mark_head()
        assert verify_journal(ten) == Report(True, number, head="level")
    journal.close()


def test_a_journal_is_whole_at_every_moment_of_its_writing(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            writer.submit(event(number)).result(30)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        reports = [verify_journal(path) for _ in range(60)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
        writer.close()
    assert [report.why for report in reports if not report.ok] == []
    assert {report.head for report in reports} <= {"level", "behind"}


def test_another_stores_head_is_not_taken(ten: Path, tmp_path: Path, event: Make) -> None:
    other = tmp_path / "other" / "store.db"
    journal = Journal.open(other)
    journal.append([event(number) for number in range(1, 7)])
    journal.close()
    shutil.copy(head_file(other), head_file(ten))
    _sql(ten, "DELETE FROM events WHERE id > 6")
    assert verify_journal(ten).head == "damaged"


def test_no_store_is_a_fault(path: Path) -> None:
    with pytest.raises(Fault) as caught:
        verify_journal(path)
    assert caught.value.hint == "polis init"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 10), st.sampled_from(["key", "time", "agent", "kind", "body"]), st.data())
def test_any_change_of_any_event_shows(
    ten: Path, tmp_path: Path, number: int, column: str, data: st.DataObject
) -> None:
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ten.parent, copy)
    connection = sqlite3.connect(copy / ten.name, isolation_level=None)
    query = f"SELECT {column} FROM events WHERE id = ?"
    before = connection.execute(query, (number,)).fetchone()[0]
    values = st.floats(0, 1e12) if column == "time" else st.text('abc{}":, 0', max_size=40)
    after = data.draw(values.filter(lambda value: value != before))
    connection.execute(f"UPDATE events SET {column} = ? WHERE id = ?", (after, number))
    connection.close()
    report = verify_journal(copy / ten.name)
    assert (report.ok, report.bad) == (False, number)
