"""One thread writes; whoever submits hears back when it is on the disk."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from cash.faults import Fault
from cash.store.event import Entry, Event
from cash.store.reader import open_reader
from cash.store.state import State
from cash.store.verify import verify_journal
from cash.store.writer import Writer

Make = Callable[..., Event]


def test_futures_bring_ids_in_order(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    futures = [writer.submit(event(number)) for number in range(1, 500)]
    assert [future.result(10) for future in futures] == list(range(1, 500))
    writer.close()
    assert verify_journal(path).count == 499


def test_an_answered_event_can_be_read_at_once(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    reader = open_reader(path)
    for number in range(1, 50):
        assert writer.submit(event(number)).result(10) == number
        assert reader.read(after=number - 1)[0].event == event(number)
    reader.close()
    writer.close()


def test_a_key_gets_the_first_id(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    futures = [writer.submit(event(1, body={"try": number})) for number in range(20)]
    assert {future.result(10) for future in futures} == {1}
    assert writer.submit(event(1)).result(10) == 1
    writer.close()
    reader = open_reader(path)
    assert [entry.event.body for entry in reader.read()] == [{"try": 0}]
    reader.close()


def test_a_bad_event_harms_no_other(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    futures = [
        writer.submit(event(number, body={"x": float("nan")} if number == 3 else {}))
        for number in range(1, 6)
    ]
    assert isinstance(futures[2].exception(10), Fault)
    assert [future.result(10) for future in futures if future is not futures[2]] == [1, 2, 3, 4]
    writer.close()


def test_who_stops_waiting_stops_no_event(path: Path, event: Make) -> None:
    async def give_up(writer: Writer) -> None:
        task = asyncio.ensure_future(asyncio.wrap_future(writer.submit(event(1))))
        await asyncio.sleep(0)
        task.cancel()
        assert await asyncio.wrap_future(writer.submit(event(2))) == 2

    writer = Writer.open(path)
    asyncio.run(give_up(writer))
    assert not writer.submit(event(3)).cancel()
    writer.close()
    assert verify_journal(path).count == 3


def test_flush_waits_for_the_disk_and_the_head(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    futures = [writer.submit(event(number)) for number in range(1, 2000)]
    writer.flush()
    assert all(future.done() for future in futures)
    assert verify_journal(path).head == "level"
    writer.close()


def test_events_that_nobody_waits_for_come_together_and_in_turn(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    commits: list[list[int]] = []
    stop = writer.follow(lambda entries: commits.append([entry.id for entry in entries]))
    for number in range(1, 10):
        writer.note(event(number))
        time.sleep(0.0005)
    writer.flush()
    assert [id for ids in commits for id in ids] == list(range(1, 10))
    assert len(commits) < 5
    # By itself, soon.
    writer.note(event(10))
    deadline = time.monotonic() + 5
    while commits[-1] != [10] and time.monotonic() < deadline:
        time.sleep(0.001)
    assert commits[-1] == [10]
    # Whoever waits, waits for no others; what came before, comes before.
    writer.note(event(11))
    began = time.monotonic()
    assert writer.submit(event(12)).result(10) == 12
    assert commits[-1] == [11, 12] or time.monotonic() - began < 5
    stop()
    writer.close()


def test_closing_writes_what_was_submitted(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    futures = [writer.submit(event(number)) for number in range(1, 2000)]
    writer.close()
    writer.close()
    assert [future.result(0) for future in futures] == list(range(1, 2000))
    assert isinstance(writer.submit(event(1)).exception(0), Fault)
    with pytest.raises(Fault, match="closed"):
        writer.flush()
    assert verify_journal(path).ok


def test_followers_see_each_new_event_once(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    seen: list[Entry] = []
    gone: list[Entry] = []

    def break_down(entries: tuple[Entry, ...]) -> None:
        gone.extend(entries)
        raise RuntimeError("the reader went away")

    writer.submit(event(1))
    writer.flush()
    stop = writer.follow(seen.extend)
    writer.follow(break_down)
    for number in (1, 2, 3):
        writer.submit(event(number, body={"line": "deploy --token abc"})).result(10)
    writer.flush()
    stop()
    writer.submit(event(4)).result(10)
    writer.flush()
    assert [entry.id for entry in seen] == [2, 3]
    assert [entry.id for entry in gone] == [2]
    # As it is stored, not as it was submitted.
    assert seen[0].event.body == {"line": "deploy --token [redacted:token]"}
    writer.close()


def test_pruning_takes_its_turn(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    for number in range(1, 11):
        writer.submit(event(number))
    pruned = writer.prune(before=1005.0)
    after = writer.submit(event(11))
    assert pruned.result(10) == 4
    assert after.result(10) == 12
    writer.close()
    assert verify_journal(path).ok
    assert isinstance(writer.prune(before=1.0).exception(0), Fault)


def test_no_writer_starves_another(path: Path, event: Make) -> None:
    """100 that each wait for the disk get a like share; how fast they are is in the bench."""
    writer = Writer.open(path)
    counts = [0] * 100
    end = time.monotonic() + 1

    def write(place: int) -> None:
        while time.monotonic() < end:
            writer.submit(event(1, key=f"{place}-{counts[place]}")).result(30)
            counts[place] += 1

    threads = [threading.Thread(target=write, args=(place,)) for place in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert min(counts) > max(counts) / 4
    assert verify_journal(path).count == sum(counts)


def test_state_is_written_beside_a_busy_journal(path: Path, event: Make) -> None:
    writer = Writer.open(path)
    state = State.open(path)
    running = threading.Event()

    def write() -> None:
        number = 0
        while not running.is_set():
            futures: list[Future[int]] = []
            for _ in range(50):
                number += 1
                futures.append(writer.submit(event(number)))
            futures[-1].result(30)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(20):
            state.set_setting("level", str(number))
    finally:
        running.set()
        thread.join()
    writer.close()
    assert state.setting("level") == "19"
    state.close()
    assert verify_journal(path).ok
