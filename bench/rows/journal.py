"""How many events a second the journal acknowledges, each one on the disk."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from bench.home import Home
from bench.measure import Budget, Row, summarise
from cash.store.event import Event
from cash.store.writer import Writer

_WRITERS = 100
_SECONDS = 3.0


def measure_journal(home: Home, _rounds: int) -> Row:
    """100 threads, each of which waits for its event to be on the disk before the next one."""
    acknowledged, delays = _write(home.folder / "journal" / "store.db")
    slowness = 5000 / acknowledged
    return Row(
        name="journal",
        title=f"The journal under {_WRITERS} writers",
        figures={"one event, until it is on the disk": summarise(delays)},
        budgets=[Budget("5,000 events/s / measured", slowness, 1)],
        notes=[f"{acknowledged:,.0f} events/s acknowledged, every one redacted, chained, fsynced."],
    )


def _write(path: Path) -> tuple[float, list[float]]:
    path.parent.mkdir(mode=0o700)
    writer = Writer.open(path)
    delays: list[list[float]] = [[] for _ in range(_WRITERS)]
    began = time.perf_counter()

    def work(number: int) -> None:
        turn = 0
        while time.perf_counter() - began < _SECONDS:
            turn += 1
            body = {"line": f"npm run build -- --target part-{number}-{turn}", "decision": "allow"}
            event = Event(f"{number}-{turn}", time.time(), "alice", "line", body)
            asked = time.perf_counter()
            writer.submit(event).result()
            delays[number].append(time.perf_counter() - asked)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    writer.close()
    done = [delay for one in delays for delay in one]
    return len(done) / seconds, done
