"""What a lock on a file costs, how fair its queue is, and what a write by polis takes."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Sequence

from bench.home import Home
from bench.measure import Budget, Row, summarise
from cash import wire
from cash.calling import read_token
from cash.guard import writer_of
from cash.places import Places, find_places

_TURNS = 1000
_CONTENDERS = 100
_SECONDS = 5.0
_HELD = 0.002


def measure_locks(home: Home, rounds: int) -> Row:
    """Locks as a tool takes them: a connection to polisd, which holds the lock."""
    home.polis("exec", "alice", "--", "true")
    places = find_places(home.environment)
    free = sorted(_take(places, home, f"free-{turn}") for turn in range(_TURNS + 50))
    last = free[round((len(free) - 1) * 0.99)]
    counts, waits = _contend(places, home)
    fairness = jain(counts)
    return Row(
        name="locks",
        title="A lock on a file, and a write under it",
        figures={
            "a lock nobody wants": summarise(free),
            f"a lock {_CONTENDERS} want, held 2 ms": summarise(waits),
            "append by ToolFileWriter": summarise(_appends(home, max(rounds, 40))),
        },
        budgets=[
            Budget("a lock nobody wants, p99", last * 1000, 1, "ms"),
            Budget(f"0.95 / Jain's index of {_CONTENDERS} contenders", 0.95 / fairness, 1),
        ],
        notes=[
            f"A lock: from connecting to the grant, {len(free)} times on as many files.",
            _tell_contention(counts, waits, fairness),
            "An append: found, judged, locked, drafted, put in place, journaled, all on the disk.",
        ],
    )


def _tell_contention(counts: Sequence[int], waits: Sequence[float], fairness: float) -> str:
    each = f"{min(counts)} to {max(counts)} each in {_SECONDS:g} s"
    return f"Jain {fairness:.3f}: {each}; longest wait {max(waits) * 1000:.0f} ms."


def jain(counts: Sequence[int]) -> float:
    """1 when all got as much; 1/n when one got all."""
    return sum(counts) ** 2 / (len(counts) * sum(one * one for one in counts))


def _take(places: Places, home: Home, path: str, wait: float = 0.0, held: float = 0.0) -> float:
    """Seconds from connecting to having the lock, which is given back then."""
    token = read_token(places)
    asked = {
        "verb": "locks.hold",
        "token": token,
        "agent": "alice",
        "cwd": str(home.repository),
        "path": path,
        "wait": wait,
    }
    began = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as polisd:
        polisd.connect(os.fspath(places.socket))
        wire.send_frame(polisd, wire.CALL, json.dumps(asked).encode())
        told = json.loads(wire.receive_frame(polisd)[1])
        seconds = time.perf_counter() - began
        if "fence" not in told:
            raise RuntimeError(f"no lock: {told}")
        if held:
            time.sleep(held)
        wire.send_frame(polisd, wire.CALL, b'{"do": "release"}')
        wire.receive_frame(polisd)
    return seconds


def _contend(places: Places, home: Home) -> tuple[list[int], list[float]]:
    counts = [0] * _CONTENDERS
    waits: list[list[float]] = [[] for _ in counts]
    ready = threading.Barrier(_CONTENDERS)
    until = time.monotonic() + _SECONDS + 1

    def work(number: int) -> None:
        ready.wait()
        while time.monotonic() < until:
            waits[number].append(_take(places, home, "wanted", wait=60, held=_HELD))
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts, [one for each in waits for one in each]


def _appends(home: Home, turns: int) -> list[float]:
    taken = []
    before = dict(os.environ)
    os.environ.update(home.environment)
    try:
        alice = writer_of("alice", str(home.repository))
        for _ in range(turns):
            began = time.perf_counter()
            alice.append("appended.txt", b"one more line\n")
            taken.append(time.perf_counter() - began)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return taken
