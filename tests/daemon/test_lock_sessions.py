"""Files that one agent writes at a time, by whatever program, and files that two write in their own
trees."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from desk import Desk, make_desk
from installation import Installation
from office import wait_until

pytestmark = pytest.mark.kernel

_POLICY = """\
version: 1
locks:
  - {paths: "$tree/shared/**", clash: lock}
  - {paths: "$tree/quiet/**", clash: ignore}
"""


@pytest.fixture
def desk(installation: Installation) -> Desk:
    """alice and bob, where one at a time writes what is below shared."""
    made = make_desk(installation)
    folder = installation.home / ".config/polis/policies"
    folder.mkdir(parents=True)
    (folder / "locks.yaml").write_text(_POLICY)
    assert made.polis("agents", "add", "bob").status == 0
    for name in ("alice", "bob"):
        assert made.polis("shell", name, "-c", "mkdir shared quiet").status == 0
    return made


@contextmanager
def _running(desk: Desk, agent: str, line: str) -> Iterator[subprocess.Popen[str]]:
    """A line in an agent's shell, which has ended when the block has."""
    with subprocess.Popen(
        ["polis", "shell", agent, "-c", line],
        cwd=desk.repository,
        env=desk.installation.environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
            assert running.wait(60) == 0
        finally:
            running.kill()


def _sessions(desk: Desk) -> list[dict[str, Any]]:
    held = json.loads(desk.polis("locks", "--json").out)["locks"]
    return [one for one in held if one["kind"] == "session"]


def _bob(desk: Desk, line: str) -> str:
    return desk.polis("shell", "bob", "-c", line).err


def test_a_session_lasts_until_its_writer_is_done(desk: Desk) -> None:
    assert desk.line("echo one > shared/a").err == ""
    err = _bob(desk, "echo two > shared/a")
    assert "polis: shared/a is held by alice since " in err
    assert "hint: it is being written just now; try again in a moment" in err
    assert "busy" in err
    assert _bob(desk, "echo other > shared/b") == ""
    wait_until(lambda: _bob(desk, "echo two > shared/a") == "", "the session ends")
    wait_until(lambda: not _sessions(desk), "all sessions end")
    first, *_ = [
        one["body"] for one in desk.log("lock-session") if one["body"]["path"] == "shared/a"
    ]
    assert first["sha256"] == hashlib.sha256(b"one\n").hexdigest()
    (clash, *_) = [one["body"] for one in desk.log("lock-clash")]
    assert (clash["path"], clash["holder"], clash["done"]) == ("shared/a", "alice", "refused")


def test_who_has_the_file_open_is_not_done(desk: Desk) -> None:
    line = "exec 5>shared/a; touch ready; while [ ! -e go ]; do sleep 0.1; done; echo last >&5"
    with _running(desk, "alice", line):
        wait_until((desk.tree / "ready").exists, "it has the file open")
        time.sleep(4)
        assert "is held by alice" in _bob(desk, "echo two > shared/a")
        (desk.tree / "go").touch()
    wait_until(lambda: not _sessions(desk), "the session ends")
    (session,) = [one["body"] for one in desk.log("lock-session")]
    assert session["sha256"] == hashlib.sha256(b"last\n").hexdigest()


def test_who_goes_on_writing_keeps_it(desk: Desk) -> None:
    line = "for n in $(seq 25); do echo $n >> shared/a; sleep 0.2; done"
    with _running(desk, "alice", line) as running:
        wait_until(lambda: _sessions(desk), "it has begun")
        (session,) = _sessions(desk)
        assert running.stderr is not None
        assert running.stderr.read() == ""
    assert _sessions(desk) == [session]
    assert (desk.tree / "shared/a").read_text().split() == [str(n) for n in range(1, 26)]


def _intervals(log: list[dict[str, Any]], path: str) -> list[tuple[int, float, float]]:
    """Fence, begin and end of each claim on a path, as the journal tells them."""
    begun: dict[int, float] = {}
    found = []
    for entry in log:
        body: Mapping[str, Any] = entry["body"]
        if body.get("paths") == [path] and entry["kind"] == "lock-taken":
            begun[body["fence"]] = body["since"]
        elif body.get("paths") == [path] and entry["kind"] == "lock-released":
            since = begun.pop(body["fence"])
            found.append((body["fence"], since, since + body["seconds"]))
    assert not begun
    return found


def test_two_that_want_the_same_are_never_in_it_at_once(desk: Desk) -> None:
    """Each tries until it may, writes once, and does something else until that is over."""
    once = "until echo x >> shared/a; do sleep 0.05; done"
    line = f"exec 2>/dev/null; for n in 1 2 3; do {once}; sleep 4; done"
    with _running(desk, "alice", line), _running(desk, "bob", line):
        pass
    wait_until(lambda: not _sessions(desk), "the sessions end")
    found = sorted(_intervals(desk.log(), "shared/a"), key=lambda one: one[1])
    assert len(found) >= 4
    for (fence, _, ended), (later, begun, _) in itertools.pairwise(found):
        assert ended <= begun + 0.001
        assert fence < later
    trees = [desk.folder_of(name) / "volume/tree" for name in ("alice", "bob")]
    assert [(tree / "shared/a").read_text() for tree in trees] == ["x\n" * 3] * 2


def test_what_two_write_in_their_own_trees_is_told_to_both(desk: Desk) -> None:
    for name in ("alice", "bob"):
        ran = desk.polis(
            "shell", name, "-c", "echo x >> README.md; echo x > untracked; echo x > quiet/a"
        )
        assert (ran.status, ran.err) == (0, "")
    wait_until(lambda: len(desk.log("lock-clash")) == 2, "both are told")
    told = {
        (one["agent"], one["body"]["holder"], one["body"]["path"]) for one in desk.log("lock-clash")
    }
    assert told == {("alice", "bob", "README.md"), ("bob", "alice", "README.md")}
    assert "written by alice and bob, " in desk.polis("locks").out
    desk.line("echo y >> README.md")
    time.sleep(1.5)
    assert len(desk.log("lock-clash")) == 2  # once is enough


def test_what_git_moves_is_nobodys_writing(desk: Desk) -> None:
    for name in ("alice", "bob"):
        line = "git mv README.md other && git mv other README.md"
        ran = desk.polis("shell", name, "-c", line)
        assert (ran.status, ran.err) == (0, "")
    time.sleep(1.5)
    assert desk.log("lock-clash") == []


def test_sessions_go_on_and_end_under_another_polisd(desk: Desk) -> None:
    line = "exec 5>shared/a; touch ready; while [ ! -e go ]; do sleep 0.1; done; echo last >&5"
    with _running(desk, "alice", line):
        wait_until((desk.tree / "ready").exists, "it has the file open")
        time.sleep(0.5)
        (polisd,) = desk.pids("-m cash.daemon")
        os.kill(polisd, signal.SIGKILL)
        wait_until(lambda: not desk.pids("-m cash.daemon"), "it has ended")
        assert desk.polis("up").status == 0
        time.sleep(4)
        assert "is held by alice" in _bob(desk, "echo two > shared/a")
        (desk.tree / "go").touch()
    wait_until(lambda: not _sessions(desk), "the session ends")
    assert _bob(desk, "echo two > shared/a") == ""
