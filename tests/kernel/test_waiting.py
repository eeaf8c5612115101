"""A process that waits for a person: signals, keys and answers, and its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import WAIT, Desk
from governed import DENIED, Governed, Question, forbidding_shred, governing
from walled import KINDS, PATIENCE

from cash import wire
from cash.keeper.link import Asked, ExecVerdict, Ready, attach

pytestmark = pytest.mark.kernel

_POLICY = forbidding_shred("perl", "uname", "python3")
_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls in which some programs are asked about."""
    with governing(request.param, _POLICY) as made:
        yield made


# Signals and keys

_SIGNALLED = """
import os, signal, subprocess, sys, time
process = subprocess.Popen(['uname'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
process.stderr.readline()
print(process.pid, flush=True)
time.sleep(0.05)
process.send_signal(int(sys.argv[1]))
print(process.wait())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_it(desk: Desk, number: signal.Signals) -> None:
    result = desk.governed.walled.run(*_PYTHON, _SIGNALLED, str(int(number)))
    assert result.out.splitlines()[1] == str(-number)
    assert desk.is_abandoned(desk.next())


def test_a_signal_ends_it_before_it_has_begun_to_wait(desk: Desk) -> None:
    text = (
        "import subprocess\n"
        "for _ in range(40):\n"
        "    process = subprocess.Popen(['uname'], stderr=subprocess.DEVNULL)\n"
        "    process.terminate()\n"
        "    print(process.wait())\n"
    )
    result = desk.governed.walled.python(text)
    assert result.out.split() == ["-15"] * 40
    for _ in range(len(desk.numbers)):
        assert desk.is_abandoned(desk.next())


def test_timeout_ends_it(desk: Desk) -> None:
    result = desk.governed.walled.sh("timeout 0.1 uname; echo $?")
    assert (result.out, result.err) == ("124\n", "polis: wait\n")
    assert desk.is_abandoned(desk.next())


@contextlib.contextmanager
def _shell(desk: Desk) -> Iterator[tuple[int, list[bytes]]]:
    """A shell on a terminal: where to type, and what was shown."""
    walled = desk.governed.walled
    client = walled.start(
        *("bash", "--norc", "--noediting", "-i"),
        descriptors={},
        terminals="111",
        environment={"PS1": "ready> "},
    )
    _, _, (master,) = wire.receive_frame(client, 1)
    try:
        yield master, [b""]
    finally:
        client.close()
        os.close(master)
        walled.ended(f"run-{walled.count}")


def _expect(terminal: tuple[int, list[bytes]], words: bytes) -> None:
    master, shown = terminal
    deadline = time.monotonic() + PATIENCE
    while words not in shown[0]:
        assert time.monotonic() < deadline, shown
        if select.select([master], [], [], 0.2)[0]:
            shown[0] += os.read(master, 65536)
    shown[0] = shown[0].partition(words)[2]


def _wait_in_foreground(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        state, _, group, _, _, foreground, *_ = (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        )
        if state == "S" and group == foreground:
            return
        assert time.monotonic() < deadline, (state, group, foreground)
        time.sleep(0.002)


def test_keys_on_a_terminal(desk: Desk) -> None:
    with _shell(desk) as terminal:
        master, _ = terminal
        _expect(terminal, b"ready> ")
        os.write(master, b"uname\r")
        _expect(terminal, b"polis: wait\r\n")
        interrupted = desk.next()
        os.write(master, b"\x03")
        _expect(terminal, b"ready> ")
        assert desk.is_abandoned(interrupted)
        os.write(master, b"echo status $?; uname\r")
        _expect(terminal, b"status 130\r\npolis: wait\r\n")
        number = desk.next()
        os.write(master, b"\x1a")
        _expect(terminal, b"Stopped")
        _expect(terminal, b"ready> ")
        os.write(master, b"fg\r")
        # Named before it has the terminal: keys go to the shell until then.
        _wait_in_foreground(desk.governed.walled.asked[-1]["pid"])
        os.write(master, b"\x1a")
        _expect(terminal, b"Stopped")
        # What is said meanwhile is heard when it goes on.
        desk.answer(ExecVerdict("allow"), number)
        os.write(master, b"jobs; fg\r")
        _expect(terminal, b"Stopped")
        _expect(terminal, b"Linux\r\n")
        _expect(terminal, b"ready> ")


# Answers


def test_what_is_too_much_for_one_that_is_stopped_holds_nobody_up(desk: Desk) -> None:
    text = (
        "import os, signal, subprocess, time\n"
        "process = subprocess.Popen(['uname'], stderr=subprocess.PIPE)\n"
        "process.stderr.readline(), process.send_signal(signal.SIGSTOP)\n"
        "print(subprocess.run(['true']).returncode, flush=True), time.sleep(0.2)\n"
        "print(subprocess.run(['env', 'true']).returncode, flush=True)\n"
        "process.send_signal(signal.SIGCONT)\n"
        "print(process.wait(), process.stderr.read())\n"
    )
    desk.governed.settle = lambda question: _answer_soon(desk, question, "echo " + "x" * 200_000)
    result = desk.governed.walled.python(text)
    assert result.out.startswith(f"0\n0\n{DENIED} b'polis: "), result


def _answer_soon(desk: Desk, question: Question, text: str) -> ExecVerdict:
    if desk.settle(question) != WAIT:
        return ExecVerdict("allow")
    desk.governed.walled.link.settle(question["number"], WAIT)
    time.sleep(0.1)
    return ExecVerdict("run", text)


def test_what_was_allowed_is_allowed_once(desk: Desk) -> None:
    desk.governed.settle = desk.allow_later
    result = desk.governed.walled.sh("uname; uname")
    assert result.err == "polis: wait\n" * 2
    assert len(desk.numbers) == 2


def test_the_end_of_what_was_allowed_is_told(desk: Desk) -> None:
    desk.governed.settle = lambda question: _allow_until_it_ends(desk, question)
    result = desk.governed.walled.sh("uname")
    assert result.out == "Linux\n"
    number = desk.next()
    deadline = time.monotonic() + PATIENCE
    walled = desk.governed.walled
    while Asked({"over": number, "command": f"run-{walled.count}"}) not in walled.news:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _allow_until_it_ends(desk: Desk, question: Question) -> ExecVerdict:
    if desk.settle(question) == WAIT:
        desk.governed.walled.link.settle(question["number"], WAIT)
    return ExecVerdict("allow", until_it_ends=True)


@pytest.mark.parametrize("kind", KINDS)
def test_polisd_goes_away(kind: str) -> None:
    with governing(kind, _POLICY) as governed:
        desk = Desk(governed)
        governed.settle = desk.settle
        walled = governed.walled
        out = os.memfd_create("out")
        client = walled.start("uname", descriptors={2: out})
        number = f"run-{walled.count}"
        desk.next()
        time.sleep(0.05)
        walled.link.close()
        walled.finish(client)
        said = os.pread(out, 1000, 0).decode()
        os.close(out)
        assert said.startswith("polis: wait\npolis: polisd is not there to judge this\nhint: ")
        if kind == "rootless" and os.geteuid() == 0:
            os.kill(walled.ready.keeper, signal.SIGKILL)  # it listens to its own user only
            return
        found = attach(walled.address)
        assert found is not None
        walled.link = found
        walled.hear(lambda message: isinstance(message, Ready))
        assert walled.ended(number).status == DENIED
        governed.settle = None
        assert walled.run("uname").status == 0
