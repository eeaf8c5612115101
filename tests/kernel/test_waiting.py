"""A process that waits for a person: signals, keys, its end, and that it is the same afterwards."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from governed import DENIED, Governed, Question, governing
from walled import KINDS, PATIENCE

from cash import wire
from cash.keeper.link import Asked, ExecVerdict, Ready, attach

pytestmark = pytest.mark.kernel

_POLICY = """\
version: 1
rules:
  - id: no-shredding
    program: shred
    decide: deny
    reason: What is shredded cannot come back.
    examples: {deny: [shred x]}
  - id: about-these
    program: [perl, uname, python3]
    decide: ask
    reason: Who knows.
    examples: {ask: [uname]}
"""
_WAIT = ExecVerdict("wait", "polis: wait\n")
_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


@dataclass
class Desk:
    """Where what waits is answered. waits: the programs that do. numbers: of what waits now."""

    governed: Governed
    waits: tuple[str, ...] = ("uname",)
    numbers: list[int] = field(default_factory=list)

    def settle(self, question: Question) -> ExecVerdict:
        if not any(face["program"] in self.waits for face in question["faces"]):
            return ExecVerdict("allow")
        self.numbers.append(question["number"])
        return _WAIT

    def next(self) -> int:
        """The number of what waits next, once it really does."""
        deadline = time.monotonic() + PATIENCE
        while not self.numbers:
            assert time.monotonic() < deadline, "nothing was asked"
            time.sleep(0.002)
        return self.numbers.pop(0)

    def answer(self, verdict: ExecVerdict, number: int = 0) -> None:
        self.governed.walled.link.settle(number or self.next(), verdict)

    def is_abandoned(self, number: int) -> bool:
        """Whether polisd was told that nobody waits any more; waits for that."""
        deadline = time.monotonic() + PATIENCE
        told = Asked({"abandoned": number})
        while told not in self.governed.walled.news and time.monotonic() < deadline:
            time.sleep(0.002)
        return told in self.governed.walled.news


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls in which some programs are asked about."""
    with governing(request.param, _POLICY) as made:
        yield made


@pytest.fixture
def desk(governed: Governed) -> Iterator[Desk]:
    made = Desk(governed)
    governed.settle = made.settle
    yield made
    governed.settle = None


# It is the same afterwards

# What a program can see of how it was started. A program that waits has one pid all the time.
_LOOK = """
import os
def show(name):
    print(name, open('/proc/self/' + name, 'rb').read())
show('cmdline'), show('environ')
print(os.getcwdb(), os.getpid() == os.getpgrp(), sorted(os.listdir('/proc/self/fd')), os.umask(0))
for line in open('/proc/self/status'):
    if line.startswith(('SigBlk', 'SigIgn', 'NoNewPrivs', 'Seccomp:')):
        print(line, end='')
"""
_START = """
import ctypes, os, signal
os.umask(0o31)
for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR2,))
os.dup2(1, 77)
os.chdir('/usr/lib')
words = [b'odd \\xff name', b'-I', b'-S', b'-c', LOOK, b'', b'\\xfe', b'-e', b'--']
variables = [b'A=1', b'A=2', b'no equals sign', b'', b'=', b'PERL5OPT=-Mevil', b'LC_ALL=no_SUCH',
             b'B=\\xff\\n', b'PATH=/nowhere']
def array(items):
    return (ctypes.c_char_p * (len(items) + 1))(*items, None)
ctypes.CDLL(None).execve(b'/usr/bin/python3', array(words), array(variables))
"""


def test_it_becomes_the_same_program(desk: Desk) -> None:
    text = _START.replace("LOOK", repr(_LOOK.encode()))
    walled = desk.governed.walled
    desk.governed.settle = None
    bare = walled.run("/usr/bin/env", *_PYTHON, text)
    assert (bare.status, bare.err) == (0, "")
    desk.waits = ("odd \udcff name",)
    desk.governed.settle = lambda question: _wait_and_allow(desk, question)
    waited = walled.run("/usr/bin/env", *_PYTHON, text)
    assert waited.err == "polis: wait\n"
    assert waited.out == bare.out
    assert bare.out.count("\n") == 7


def _wait_and_allow(desk: Desk, question: Question) -> ExecVerdict:
    if desk.settle(question) == _WAIT:
        desk.governed.walled.link.settle(question["number"], _WAIT)
    return ExecVerdict("allow")


@pytest.mark.parametrize(
    "line",
    [
        "./script a ' b' ''",
        "exec -a other ./script a",
        "PATH=.:$PATH script x",
        "./link x",
        "./outer y",
    ],
)
def test_a_script_becomes_the_same(desk: Desk, line: str) -> None:
    walled = desk.governed.walled
    show = "#!/bin/sh -e\ntr '\\0' '|' </proc/$$/cmdline\n"
    files = {"script": show, "outer": "#!./inner -x\n", "inner": show}
    for name, text in files.items():
        _put(desk, name, text)
    link = walled.view.tree / "link"
    link.unlink(missing_ok=True)
    link.symlink_to("script")
    desk.governed.settle = None
    bare = walled.sh(line)
    desk.waits = (*files, "link")
    desk.governed.enforce(_POLICY.replace("python3", "script, outer, link"))
    desk.governed.settle = lambda question: _wait_and_allow(desk, question)
    try:
        waited = walled.sh(line)
    finally:
        desk.governed.enforce(_POLICY)
    assert waited.err == "polis: wait\n"
    assert (bare.status, waited.out) == (0, bare.out)


def _put(desk: Desk, name: str, text: str) -> None:
    path = desk.governed.walled.view.tree / name
    path.write_text(text)
    path.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(path, *desk.governed.walled.view.owner)


_BY_DESCRIPTOR = "import os; os.execve(os.open('/usr/bin/uname', 0), ['uname'], os.environ)"
_BY_LINK = "import os, sys; os.execv('/proc/self/exe', ['uname', '-I', '-S', '-c', 'print(1)'])"


@pytest.mark.parametrize(("text", "said"), [(_BY_DESCRIPTOR, "Linux\n"), (_BY_LINK, "1\n")])
def test_what_only_the_process_could_find_is_found_again(desk: Desk, text: str, said: str) -> None:
    desk.governed.settle = lambda question: _wait_and_allow(desk, question)
    result = desk.governed.walled.python(text)
    assert (result.status, result.out, result.err) == (0, said, "polis: wait\n")


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
    if desk.settle(question) != _WAIT:
        return ExecVerdict("allow")
    desk.governed.walled.link.settle(question["number"], _WAIT)
    time.sleep(0.1)
    return ExecVerdict("run", text)


def test_what_was_allowed_is_allowed_once(desk: Desk) -> None:
    desk.governed.settle = lambda question: _wait_and_allow(desk, question)
    result = desk.governed.walled.sh("uname; uname")
    assert result.err == "polis: wait\n" * 2
    assert len(desk.numbers) == 2


def test_the_end_of_what_was_allowed_is_told(desk: Desk) -> None:
    desk.governed.settle = lambda question: _allow_until_it_ends(desk, question)
    result = desk.governed.walled.sh("uname")
    assert result.out == "Linux\n"
    number = desk.next()
    deadline = time.monotonic() + PATIENCE
    while Asked({"over": number}) not in desk.governed.walled.news:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _allow_until_it_ends(desk: Desk, question: Question) -> ExecVerdict:
    if desk.settle(question) == _WAIT:
        desk.governed.walled.link.settle(question["number"], _WAIT)
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
