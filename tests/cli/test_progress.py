"""What is said on a terminal of something that takes long."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from desk import Desk
from screen import Terminal

pytestmark = pytest.mark.kernel


def _terminal(desk: Desk, *argv: str) -> Terminal:
    return Terminal(argv, environment=desk.installation.environment, cwd=desk.repository)


@contextmanager
def _held_still(pid: int) -> Iterator[None]:
    """A machine that is busy."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_slow_start_of_polisd_is_said_and_gone_again(desk: Desk) -> None:
    assert desk.polis("down").status == 0
    with _terminal(desk, "polis", "exec", "alice", "--", "echo", "it", "runs") as person:
        while not (found := desk.pids("-m cash.daemon")):
            time.sleep(0.01)
        with _held_still(found[0]):
            person.wait_for(r"^starting polisd … \d s")
        person.wait_for("^it runs")
        assert person.wait_end() == 0
        assert "starting" not in person.text


@pytest.mark.parametrize("words", [("exec", "alice", "--", "sh"), ("shell", "alice")])
def test_walls_that_take_long_are_said_too(desk: Desk, words: tuple[str, ...]) -> None:
    (polisd,) = desk.pids("-m cash.daemon")
    if words[0] == "shell":
        # What polisd is asked before is answered; the shell's own start is not.
        assert desk.line("true").status == 0
        polisd = desk.zygote
        assert desk.polis("agents", "stop", "alice").status == 0
    with _held_still(polisd):
        person = _terminal(desk, "polis", *words)
        person.wait_for(r"^waiting for the walls of alice … \d s")
    with person:
        person.wait_last(r"[$#] ?$")
        assert "waiting" not in person.text
        person.type("exit\r")
        assert person.wait_end() == 0
