"""Writers over one table: nothing is lost, no two are at a file at once, and what goes wrong leaves
the file and the lock as they were."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from warding import Desk, Warden, overlapping

from cash.faults import Fault
from cash.guard.change import Append, Order
from cash.guard.hand import LocalHand
from cash.guard.tool_file_writer import ToolFileWriter, carry_out

_AGENTS = ("alice", "bob")
_EACH = 60


def _append_all(desk: Desk, tree: Path) -> list[BaseException]:
    """Two agents at once in one tree, each with two tools; what went wrong."""
    wrong: list[BaseException] = []

    def work(writer: ToolFileWriter, agent: str, tool: int) -> None:
        for number in range(_EACH):
            try:
                writer.append("log", f"{agent} {tool} {number}\n".encode())
            except Fault as fault:
                wrong.append(fault)

    threads = [
        threading.Thread(target=work, args=(desk.writer(agent, os.fspath(tree)), agent, tool))
        for agent in _AGENTS
        for tool in range(2)
    ]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    return wrong


def test_two_agents_that_append_in_one_tree_lose_nothing(tmp_path: Path) -> None:
    desk = Desk()
    assert _append_all(desk, tmp_path) == []
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == len(set(lines)) == len(_AGENTS) * 2 * _EACH
    for agent in _AGENTS:
        for tool in range(2):
            own = [line for line in lines if line.startswith(f"{agent} {tool} ")]
            assert own == [f"{agent} {tool} {number}" for number in range(_EACH)]
    assert overlapping(desk.sessions) == []
    assert len(desk.sessions) == len(lines)
    fences = [fence for _, _, fence, since, _ in sorted(desk.sessions, key=lambda one: one[3])]
    assert fences == sorted(set(fences))
    assert os.listdir(tmp_path) == ["log"]


def test_without_acquisition_it_would_not_hold(tmp_path: Path) -> None:
    """The test above can fail: that is what it is worth."""
    desk = Desk(acquires=False)
    wrong = _append_all(desk, tmp_path)
    lines = (tmp_path / "log").read_text().splitlines()
    assert wrong or len(lines) < len(_AGENTS) * 2 * _EACH
    assert overlapping(desk.sessions) != []


def test_what_fails_gives_the_lock_back(tmp_path: Path) -> None:
    desk = Desk()
    writer = desk.writer("alice", os.fspath(tmp_path))
    for _ in range(2):
        with pytest.raises(Fault, match="a is not there"):
            writer.replace("a", b"x", b"y")
    assert desk.table.claims() == ()
    assert desk.sessions == []
    writer.write("a", b"x")
    assert writer.move("a", "b").paths == ("a", "b")
    assert desk.table.claims() == ()


def test_a_lock_that_is_lost_changes_nothing(tmp_path: Path) -> None:
    """As when its holder was stopped for so long that another has the file by now."""
    desk = Desk()
    (tmp_path / "a").write_text("one\n")

    class Slow(LocalHand):
        def draft(self):  # type: ignore[no-untyped-def]
            hashes = super().draft()
            for claim in desk.table.claims():
                desk.table.release(claim.fence)
            desk.writer("bob", os.fspath(tmp_path)).append("a", b"two\n")
            return hashes

    order = Order("a", Append(b"late\n"))
    with pytest.raises(Fault, match="the lock was lost"):
        carry_out(order, Slow(os.fspath(tmp_path), order), Warden(desk, "alice"))
    assert (tmp_path / "a").read_text() == "one\ntwo\n"
    assert os.listdir(tmp_path) == ["a"]


def test_the_hand_is_at_rest_before_the_lock_goes(tmp_path: Path) -> None:
    """Else what it still does, another's hand would meet."""
    desk = Desk()
    held: list[int] = []

    class Watched(LocalHand):
        def close(self) -> None:
            super().close()
            held.append(len(desk.table.claims()))

    for path in ("a", "none/a"):
        order = Order(path, Append(b"x"))
        hand = Watched(os.fspath(tmp_path), order)
        with contextlib.suppress(Fault):
            carry_out(order, hand, Warden(desk, "alice"))
    assert held[0] == 1
    assert desk.table.claims() == ()


def _append_for_ever(tree: str) -> None:
    writer = Desk().writer("alice", tree)
    number = 0
    while True:
        number += 1
        writer.append("log", f"{number:0100}\n".encode())


def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for turn in range(25):
        (tmp_path / "log").write_bytes(b"")
        child = context.Process(target=_append_for_ever, args=(os.fspath(tmp_path),))
        child.start()
        time.sleep(0.01 + 0.0013 * turn)
        assert child.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        child.close()
        lines = (tmp_path / "log").read_text().splitlines()
        assert lines == [f"{number:0100}" for number in range(1, len(lines) + 1)]
        Desk().writer("alice", os.fspath(tmp_path)).append("log", b"")
        assert os.listdir(tmp_path) == ["log"]
