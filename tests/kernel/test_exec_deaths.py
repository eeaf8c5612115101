"""Whatever dies, stops or changes in the middle of an exec: nothing hangs, nothing stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from governed import DENIED, Governed, Question, forbidding_shred, governing
from walled import KINDS, PATIENCE, count_open, is_alive, wait_gone

from cash.keeper.link import ExecVerdict

pytestmark = pytest.mark.kernel

_POLICY = forbidding_shred("uname", "id")
_OTHER = _POLICY.replace("no-shredding", "never-shred").replace("[uname, id]", "[arch, uname, id]")


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls in which one program is forbidden, one is asked about, and one waits for a person."""
    with governing(request.param, _POLICY) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_stays(governed: Governed) -> Iterator[None]:
    """The keeper holds after a test what it held before, traces nobody, and still judges."""
    governed.refused.clear()
    assert governed.walled.sh("/usr/bin/true").status == 0
    keeper = governed.walled.ready.keeper
    before = count_open(keeper)
    yield
    governed.settle = None
    deadline = time.monotonic() + PATIENCE
    while count_open(keeper) != before or _traced(keeper):
        assert time.monotonic() < deadline, (before, count_open(keeper), _traced(keeper))
        time.sleep(0.01)
    governed.refused.clear()
    assert governed.walled.sh("uname && id -u && env true").status == 0
    assert governed.walled.run("shred", "--version").status == DENIED


def _traced(keeper: int) -> list[str]:
    """The processes that the keeper traces, the dead ones too that it has not waited for."""
    wanted, found = f"TracerPid:\t{keeper}\n", []
    for status in Path("/proc").glob("[0-9]*/task/*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            if wanted in text:
                found.append(text)
    return found


def _take_time(governed: Governed, question: Question) -> ExecVerdict | None:
    """uname is held for a moment, id waits for an answer that never comes."""
    if any(face["program"] == "id" for face in question["faces"]):
        return ExecVerdict("wait", "polis: wait\n")
    time.sleep(0.004)
    return ExecVerdict("allow")


# Kills so many processes at any moment from their fork to their end, and tells how many were
# still there to be killed.
_KILLER = """
import os, random, signal, sys, time
wanted, most = int(sys.argv[1]), float(sys.argv[2])
programs = ("true", "uname", "shred", "id", "no-such-program")
killed = tried = 0
while killed < wanted:
    name = programs[tried % len(programs)]
    tried += 1
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        with open("/dev/null", "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        try:
            os.execv("/usr/bin/" + name, [name, "--version"])
        except OSError:
            os._exit(1)
    end = time.monotonic() + random.random() * most
    while time.monotonic() < end:
        pass
    os.kill(pid, signal.SIGKILL)
    killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
print(killed)
"""
_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


@pytest.mark.parametrize("most", [0.002, 0.02], ids=["early", "late"])
def test_processes_killed_at_any_moment(governed: Governed, most: float) -> None:
    governed.settle = lambda question: _take_time(governed, question)
    loop = "i=0; while [ $i -lt 300 ]; do /usr/bin/true || echo failed; i=$((i + 1)); done; echo $i"
    out = os.memfd_create("out")
    client = governed.walled.start("sh", "-c", loop, descriptors={1: out})
    number = governed.walled.count
    result = governed.walled.run(*_PYTHON, _KILLER, "150", str(most))
    assert (result.status, result.out) == (0, "150\n"), result.err
    governed.walled.finish(client)
    assert governed.walled.ended(f"run-{number}").status == 0
    assert os.pread(out, 1000, 0) == b"300\n"
    os.close(out)


# A thread execs while the process is killed, by itself too.
_THREADS = """
import os, random, signal, threading, time
ended = 0
for number in range(60):
    pid = os.fork()
    if pid == 0:
        with open("/dev/null", "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        for name in ("uname", "true", "shred", "no-such-program"):
            path = "/usr/bin/" + name
            threading.Thread(target=os.execv, args=(path, [name]), daemon=True).start()
        time.sleep(random.random() * 0.01)
        os._exit(0)
    if number % 2:
        time.sleep(random.random() * 0.01)
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    ended += 1
print(ended)
"""


def test_threads_that_exec_against_each_other(governed: Governed) -> None:
    governed.settle = lambda question: _take_time(governed, question)
    result = governed.walled.python(_THREADS)
    assert (result.status, result.out) == (0, "60\n"), result.err


# Stops a process group at any moment, lets it go on once it has stopped, and wants the end that
# it would have had.
_STOPPER = """
import os, random, signal, sys, time
stops = 0
for number in range(120):
    name, wanted = (("true", 0), ("uname", 0), ("shred", 126))[number % 3]
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.dup2(1, 2)
        os.execv("/usr/bin/" + name, [name])
    try:
        os.setpgid(pid, pid)
    except PermissionError:
        pass
    end = time.monotonic() + random.random() * 0.008
    while time.monotonic() < end:
        pass
    try:
        os.killpg(pid, signal.SIGSTOP)
    except ProcessLookupError:
        pass
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        stops += 1
        # Stopped it stays.
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
        os.killpg(pid, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(status) == wanted, (name, status)
print(stops)
"""


def test_a_group_stopped_at_any_moment(governed: Governed) -> None:
    governed.settle = lambda question: _take_time(governed, question)
    result = governed.walled.python(_STOPPER)
    assert result.status == 0, result.err
    assert int(result.out) > 30  # it was stopped, not only too late


# An exec that fails leaves its process seized for a moment.
_SIGNALLED = """
import os, signal
caught = []
for number in (signal.SIGUSR1, signal.SIGTERM):
    signal.signal(number, lambda number, _: caught.append(number))
for number in range(50):
    try:
        os.execv("./empty", ["empty"])
    except OSError as fault:
        assert fault.errno == 8, fault
    os.kill(os.getpid(), (signal.SIGUSR1, signal.SIGTERM)[number % 2])
print(len(caught))
"""


def test_no_signal_is_lost_after_an_exec_that_failed(governed: Governed) -> None:
    empty = governed.walled.view.tree / "empty"
    empty.touch()
    empty.chmod(0o755)
    result = governed.walled.python(_SIGNALLED)
    assert (result.status, result.out) == (0, "50\n"), result.err


def test_what_was_being_judged_dies_with_the_keeper(governed: Governed) -> None:
    with governing(governed.walled.kind, _POLICY) as lonely:
        walled = lonely.walled
        walled.judge = lambda _: None
        out = os.memfd_create("out")
        client = walled.start("shred", "--version", descriptors={1: out})
        deadline = time.monotonic() + PATIENCE
        while not walled.asked:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(walled.ready.keeper, signal.SIGKILL)
        wait_gone(walled.asked[0]["pid"])
        assert os.fstat(out).st_size == 0
        os.close(out)
        client.close()


def test_a_policy_swapped_while_verdicts_are_under_way(governed: Governed) -> None:
    governed.settle = lambda question: _take_time(governed, question)
    over = threading.Event()

    def swap() -> None:
        for number in range(10_000):
            if over.is_set():
                break
            governed.enforce((_POLICY, _OTHER)[number % 2])
            time.sleep(0.02)  # many times a verdict, and yet slower than the keeper reads them

    swapping = threading.Thread(target=swap)
    swapping.start()
    line = (
        "for i in $(seq 60); do uname >/dev/null || echo failed; arch >/dev/null || echo failed; "
        "true; shred --version 2>/dev/null; [ $? = 126 ] || echo ran; done; echo over"
    )
    try:
        result = governed.walled.sh(line)
    finally:
        over.set()
        swapping.join()
    governed.enforce(_POLICY)
    assert (result.status, result.out) == (0, "over\n"), result.err
    assert len(governed.refused) == 60


# Each of them starts more, as far as the kernel lets it, all by execs.
_BOMB = """
import os, resource
resource.setrlimit(resource.RLIMIT_NPROC, (150, 150))
while True:
    try:
        if os.fork() == 0:
            os.execv("/bin/sh", ["sh", "-c", "while :; do sh -c : & true; done"])
    except OSError:
        pass
"""


def test_a_fork_bomb_is_stopped_by_killing(governed: Governed) -> None:
    with governing(governed.walled.kind, _POLICY) as bombed:
        walled = bombed.walled
        client = walled.start(*_PYTHON, _BOMB, descriptors={})
        deadline = time.monotonic() + PATIENCE
        while len(walled.asked) < 100:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        keeper = walled.ready.keeper
        begun = time.monotonic()
        walled.stop()
        assert not is_alive(keeper)
        assert time.monotonic() - begun < 5
        client.close()
