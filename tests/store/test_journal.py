"""What is journaled, comes back, once, in order, redacted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.store.event import Event
from cash.store.head import head_file
from cash.store.journal import Journal
from cash.store.key import key_file
from cash.store.reader import open_reader
from cash.store.verify import Report, verify_journal

Make = Callable[..., Event]


def test_events_come_back_in_order(path: Path, event: Make) -> None:
    journal = Journal.open(path)
    assert journal.append([event(1), event(2)]) == [1, 2]
    assert journal.append([event(3)]) == [3]
    assert [entry.id for entry in journal.read()] == [1, 2, 3]
    assert journal.read()[1].event == event(2)
    assert journal.verify() == Report(True, 3, head="level")
    journal.close()


def test_a_key_is_journaled_once(path: Path, event: Make) -> None:
    journal = Journal.open(path)
    assert journal.append([event(1), event(1), event(2)]) == [1, 1, 2]
    assert journal.append([event(2, body={"other": True}), event(3)]) == [2, 3]
    assert journal.append([]) == []
    journal.close()
    again = Journal.open(path)
    assert again.append([event(1)]) == [1]
    assert [entry.event for entry in again.read()] == [event(1), event(2), event(3)]
    again.close()


def test_readers_choose(ten: Path, event: Make) -> None:
    reader = open_reader(ten)
    assert [entry.id for entry in reader.read(after=7)] == [8, 9, 10]
    assert [entry.id for entry in reader.read(agent="bob", limit=2)] == [2, 4]
    assert [entry.id for entry in reader.newest(3)] == [8, 9, 10]
    assert [entry.id for entry in reader.newest(2, agent="alice")] == [7, 9]
    assert reader.read(kind="ran") == ()
    assert reader.last() == 10
    journal = Journal.open(ten)
    journal.append([event(11, kind="ran")])
    assert [entry.id for entry in reader.read(kind="ran")] == [11]
    journal.close()
    reader.close()


def test_a_reader_cannot_write(ten: Path) -> None:
    reader = open_reader(ten)
    with pytest.raises(Exception, match="readonly"):
        reader._connection.execute("DELETE FROM events")
    reader.close()
    with pytest.raises(Fault) as caught:
        open_reader(ten.with_name("none.db"))
    assert caught.value.hint == "polis init"
    assert not ten.with_name("none.db").exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"line": "a\0b\x1b[31m\u2028 \udc80 \ud800 ü 漢 🦊"},
        {"deep": {"list": [1, 2.5, None, True, "x", {"y": []}]}, "big": 1 << 62},
    ],
)
def test_bodies_survive(path: Path, event: Make, body: dict[str, object]) -> None:
    journal = Journal.open(path)
    journal.append([event(1, body=body)])
    assert journal.read()[0].event.body == body
    assert journal.verify().ok
    journal.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"body": {"x": float("nan")}},
        {"body": {"x": object()}},
        {"body": {1: "x"}},
        {"body": {"x": b"bytes"}},
        {"key": ""},
        {"key": "a\nb"},
        {"key": "\udc80"},
        {"agent": "x" * 300},
        {"kind": "Not A Kind"},
        {"time": float("inf")},
    ],
)
def test_what_is_no_event_is_refused_whole(
    path: Path, event: Make, changes: dict[str, object]
) -> None:
    journal = Journal.open(path)
    with pytest.raises(Fault):
        journal.append([event(1), event(2, **changes)])
    deep: object = "x"
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(Fault):
        journal.append([event(1), event(2, body={"deep": deep})])
    assert journal.read() == ()
    assert journal.append([event(3)]) == [1]
    journal.close()


def test_secrets_are_on_the_disk_nowhere(path: Path, event: Make) -> None:
    journal = Journal.open(path)
    body = {
        "line": "mysql -phunter2secret shop",
        "commands": [["curl", "-u", "alice:hunter2secret"]],
        "environment": {"MY_TOKEN": "hunter2secret"},
        "x" * 10 + " --password hunter2secret": 1,
    }
    journal.append([event(1, body=body)])
    for file in path.parent.iterdir():
        assert b"hunter2secret" not in file.read_bytes(), file
    journal.close()
    assert b"[redacted:password]" in path.read_bytes()


def test_no_half_of_a_secret_is_kept_where_a_long_text_is_cut(path: Path, event: Make) -> None:
    journal = Journal.open(path)
    # Half of it would not be known for a token.
    token = "ghp_" + "a1B2c3D4" * 5
    for number, length in enumerate((65_510, 65_520, 131_050, 131_060), start=1):
        line = "echo " + "a" * length + f" {token} x"
        journal.append([event(number, body={"line": line})])
        kept = journal.read(number - 1)[0].event.body["line"]
        assert isinstance(kept, str)
        assert len(kept) < 66_000
        assert "ghp_" not in kept
        assert kept.endswith("more characters]")
    journal.close()


def test_files_are_the_users_alone(ten: Path) -> None:
    journal = Journal.open(ten)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in ten.parent.iterdir()}
    journal.close()
    assert set(modes) == {
        *("store.db", "store.db-wal", "store.db-shm", "store.db.head", "store.db.key")
    }
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(ten.parent.stat().st_mode) == 0o700


def test_pruning_leaves_a_signed_checkpoint(ten: Path, event: Make) -> None:
    journal = Journal.open(ten)
    assert journal.prune(before=1001.0) == 0
    assert journal.prune(before=1005.0) == 4
    assert [entry.id for entry in journal.read()] == [5, 6, 7, 8, 9, 10, 11]
    told = journal.read()[-1].event
    assert (told.kind, told.body["removed"], told.body["until"]) == ("pruned", 4, 4)
    assert journal.verify() == Report(True, 7, head="level", checkpoint=4)
    assert journal.append([event(12)]) == [12]
    assert journal.prune(before=1e18) == 8
    assert journal.verify() == Report(True, 1, head="level", checkpoint=12)
    journal.close()
    journal = Journal.open(ten)
    assert journal.append([event(13)]) == [14]
    assert journal.verify().ok
    journal.close()


def test_what_is_pruned_is_off_the_disk(path: Path, event: Make) -> None:
    journal = Journal.open(path)
    journal.append([event(n, body={"line": f"echo marker{n}x" * 50}) for n in range(1, 400)])
    journal.close()
    size = path.stat().st_size
    journal = Journal.open(path)
    journal.prune(before=1300.0)
    journal.append([event(500)])
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"marker299x" not in content
    assert b"marker300x" in content
    assert path.stat().st_size < size / 2
    journal.close()


def test_only_the_old_at_the_beginning_is_pruned(path: Path, event: Make) -> None:
    journal = Journal.open(path)
    journal.append([event(1), event(2, time=5000.0), event(3), event(4)])
    assert journal.prune(before=2000.0) == 1
    assert [entry.id for entry in journal.read()] == [2, 3, 4, 5]
    journal.close()


def test_evidence_is_not_pruned_by_mistake(ten: Path) -> None:
    journal = Journal.open(ten)
    journal._connection.execute("UPDATE events SET agent = 'eve' WHERE id = 3")
    with pytest.raises(Fault, match="event 3 was changed"):
        journal.prune(before=1008.0)
    assert len(journal.read()) == 10
    assert journal.prune(before=1003.0) == 2
    assert journal.prune(before=1008.0, even_if_broken=True) == 5
    assert journal.verify().ok
    journal.close()


def test_what_a_killed_writer_left_is_cleared_away(ten: Path) -> None:
    fresh, stale = (head_file(ten).with_name(f"store.db.head.{n}.new") for n in (1, 2))
    for file in (fresh, stale):
        file.write_bytes(b"{")
    os.utime(stale, (1.0, 1.0))
    Journal.open(ten).close()
    assert (fresh.exists(), stale.exists()) == (True, False)


def test_two_writers_of_one_store_keep_one_chain(path: Path, event: Make) -> None:
    first, second = Journal.open(path), Journal.open(path)
    assert first.append([event(1)]) == [1]
    assert second.append([event(1), event(2)]) == [1, 2]
    assert first.append([event(3)]) == [3]
    assert verify_journal(path).ok
    assert [entry.event.kind for entry in first.read()] == ["line"] * 3
    first.close()
    second.close()


def test_the_key_may_lie_elsewhere(tmp_path: Path, path: Path, event: Make) -> None:
    key = tmp_path / "key"
    journal = Journal.open(path, key)
    journal.append([event(1)])
    journal.close()
    assert not key_file(path).exists()
    assert verify_journal(path, key).ok
    assert "missing" in verify_journal(path).why


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match="cannot open the store"):
        Journal.open(tmp_path / "file" / "store.db")
