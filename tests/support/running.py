"""Governed lines on their way, and what becomes of them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable

from desk import Desk


def start(desk: Desk, line: str) -> subprocess.Popen[bytes]:
    """A governed line on its way."""
    return subprocess.Popen(
        ["polis", "shell", "alice", "-c", line],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(running: subprocess.Popen[bytes]) -> int:
    """Its status, once it has ended."""
    running.communicate(timeout=20)
    return running.returncode


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def kill(desk: Desk, words: str) -> None:
    """SIGKILL to this installation's processes of that kind, each checked to be gone."""
    pids = desk.pids(words)
    assert pids, words
    kill_pids(pids)


def kill_pids(pids: Iterable[int]) -> None:
    """SIGKILL to these processes, and waits until nothing of them is there: no socket either,
    which outlives the words of its process for a moment."""
    for pid in pids:
        with open(os.pidfd_open(pid), "rb") as process:
            os.kill(pid, signal.SIGKILL)
            assert select.select([process], [], [], 20)[0]
