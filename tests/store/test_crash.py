"""A writer killed at any moment loses no event that it has answered for, and breaks no chain."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from cash.store.journal import Journal
from cash.store.reader import open_reader
from cash.store.verify import verify_journal

# Eight threads that each say on standard output, in one write, which event was answered for.
_WRITER = """
import os, sys, threading, time
from pathlib import Path
from cash.store.event import Event
from cash.store.writer import Writer

writer = Writer.open(Path(sys.argv[1]))
run = sys.argv[2]
# Small, so that checkpoints of the write-ahead log are hit too.
writer._journal._connection.execute("PRAGMA wal_autocheckpoint = 20")

def write(place):
    number = 0
    while True:
        number += 1
        key = f"{run}-{place}-{number}"
        event = Event(key, time.time(), "alice", "line", {"line": "echo " + key * 20})
        answer = writer.submit(event).result()
        os.write(1, f"{answer} {key}\\n".encode())

for place in range(8):
    threading.Thread(target=write, args=(place,)).start()
"""
_ROUNDS = 64
_AT_ONCE = 4


def test_no_answered_event_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    """Several stores, each killed and opened again many times, all rounds on top of each other."""
    stores = [tmp_path / f"{place}" / "store.db" for place in range(_AT_ONCE)]
    answered: list[dict[str, int]] = [{} for _ in stores]
    behind = 0
    for number in range(_ROUNDS // _AT_ONCE):
        running = [_start(store, f"run{number}") for store in stores]
        for process in running:
            assert process.stdout
            select.select([process.stdout], [], [], 60)
        time.sleep(random.random() * 0.15)
        for store, process, known in zip(stores, running, answered, strict=True):
            os.kill(process.pid, signal.SIGKILL)
            output, errors = process.communicate(timeout=30)
            assert process.returncode == -signal.SIGKILL, errors.decode()
            for line in output.decode().splitlines():
                place, key = line.split()
                known[key] = int(place)
            report = verify_journal(store)
            assert report.ok, report
            behind += report.head == "behind"
    for store, known in zip(stores, answered, strict=True):
        Journal.open(store).close()
        assert verify_journal(store).head == "level"
        reader = open_reader(store)
        kept = {entry.event.key: entry.id for entry in reader.read(limit=1 << 30)}
        reader.close()
        assert known.items() <= kept.items()
        assert len(known) > 100
    # Some kill has hit the moment between the commit and the head, or this proves too little.
    assert behind


def _start(store: Path, run: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(store), run],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
