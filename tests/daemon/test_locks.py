"""Locks that programs hold over a connection to polisd."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable

import pytest
from desk import Desk
from holding import Lock, Refused, locking
from office import wait_until

pytestmark = pytest.mark.kernel


def _two(desk: Desk) -> Desk:
    assert desk.polis("agents", "add", "bob").status == 0
    return desk


def _refusal(desk: Desk, path: str, **fields: object) -> str:
    with (
        pytest.raises(Refused) as refused,
        locking(desk.installation, desk.repository, path, **fields),
    ):
        pass
    return str(refused.value)


def test_a_lock_is_one_agents_until_it_is_given_back(desk: Desk) -> None:
    _two(desk)
    with locking(desk.installation, desk.repository, "a.py", agent="alice", why="an edit") as lock:
        assert lock.ask("check")
        said = _refusal(desk, "a.py", agent="bob")
        assert said.startswith("a.py is held by alice since ")
        assert said.endswith(": an edit")
        with locking(desk.installation, desk.repository, "b.py", agent="bob"):
            pass
        assert lock.ask("release")
        assert not lock.ask("check")
        assert not lock.ask("release")
        with locking(desk.installation, desk.repository, "a.py", agent="bob") as other:
            assert other.fence > lock.fence
    kinds = [one["kind"] for one in desk.log() if one["body"].get("paths") == ["a.py"]]
    assert kinds == ["lock-taken", "lock-released"] * 2


def test_who_waits_gets_it_in_turn(desk: Desk) -> None:
    _two(desk)
    with locking(desk.installation, desk.repository, "a", agent="alice"):
        waiting = [
            Lock(desk.installation, desk.repository, "a", agent=agent, wait=20)
            for agent in ("bob", "alice", "bob")
        ]
    fences = []
    for lock in waiting:
        fences.append(lock.hear()["fence"])
        lock.close()
    assert fences == sorted(fences)
    assert _held(desk)() == 0


def _held(desk: Desk) -> Callable[[], int]:
    def count() -> int:
        log = [one["kind"] for one in desk.log()]
        return log.count("lock-taken") - log.count("lock-released")

    return count


def test_a_wait_that_is_too_long_or_given_up_leaves_nothing(desk: Desk) -> None:
    with locking(desk.installation, desk.repository, "a", agent="alice"):
        began = time.monotonic()
        assert "is held by alice" in _refusal(desk, "a", agent="alice", wait=0.3)
        assert time.monotonic() - began >= 0.3
        gone = Lock(desk.installation, desk.repository, "a", agent="alice", wait=20)
        time.sleep(0.2)
        gone.close()
    with locking(desk.installation, desk.repository, "a", agent="alice", wait=5):
        pass


def test_a_holder_that_is_killed_holds_nothing(desk: Desk) -> None:
    pid = os.fork()
    if pid == 0:
        with locking(desk.installation, desk.repository, "a", agent="alice"):
            signal.pause()
    wait_until(lambda: _held(desk)() == 1, "it holds the lock")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with locking(desk.installation, desk.repository, "a", agent="alice", wait=5):
        pass
    assert next(one["body"]["end"] for one in desk.log("lock-released")) == "gone"


def test_what_no_lock_is_on(desk: Desk) -> None:
    (desk.tree / "folder").mkdir()
    (desk.tree / "round").symlink_to("round")
    (desk.tree / "away").symlink_to("/etc")
    for path, says in (
        ("../a", "is outside of the repository's tree"),
        ("/etc/passwd", "is outside of the repository's tree"),
        (".git/config", "is git's own"),
        ("folder", "is a folder, and a lock is on a file"),
        ("round", "leads round in a circle"),
        ("away", "leads out of the tree"),
        ("away/passwd", "leads out of the tree"),
        ("", "names no path"),
        ("a\0b", "names no path"),
        ("x" * 5000, "longer than 4096 characters"),
    ):
        said = _refusal(desk, path, agent="alice")
        assert says in said
        assert "\n" not in said
    assert _held(desk)() == 0


def test_whatever_a_file_is_called(desk: Desk) -> None:
    (desk.tree / "real").mkdir()
    (desk.tree / "link").symlink_to("real")
    names = ["new\nline", "\udcff\udcfe", "[id]*", "real/x", "A", "a", "x" * 200]
    for name in names:
        with locking(desk.installation, desk.repository, name, agent="alice"):
            assert "held by alice" in _refusal(desk, name, agent="alice")
    with locking(desk.installation, desk.repository, "link/x", agent="alice"):
        assert "held by alice" in _refusal(desk, "real/x", agent="alice")
    for one, other in itertools.permutations(["A", "a"]):
        with (
            locking(desk.installation, desk.repository, one, agent="alice"),
            locking(desk.installation, desk.repository, other, agent="alice"),
        ):
            pass


def test_locks_of_living_holders_outlive_polisd_and_fences_grow(desk: Desk) -> None:
    with locking(desk.installation, desk.repository, "a", agent="alice") as lock:
        time.sleep(0.3)  # by then it is in the store
        (polisd,) = desk.pids("-m cash.daemon")
        os.kill(polisd, signal.SIGKILL)
        wait_until(lambda: not desk.pids("-m cash.daemon"), "it has ended")
        assert desk.polis("up").status == 0
        said = _refusal(desk, "a", agent="alice")
        assert "held by alice" in said
        with locking(desk.installation, desk.repository, "b", agent="alice") as other:
            assert other.fence > lock.fence
