"""Walls in which processes may trace each other: nothing that is traced starts a program, what
runs can be looked at, and no debugger reaches what polis itself runs inside.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator

import pytest
from compiling import build
from governed import Governed, governing
from racing import POLICY
from walled import KINDS, Result, Walled

pytestmark = pytest.mark.kernel

_SHRED = ("/usr/bin/shred", "--version")
_UNAME = ("/usr/bin/uname", "--version")
_ATTEMPTS = "150"
_WORDS = "what is traced (gdb, strace) cannot start a program"


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls with a debugger in the tree, in which shred is forbidden."""
    with governing(request.param, POLICY, debug=True) as made:
        program = made.walled.view.tree / "debugger"
        shutil.copy(build("racers/debugger.c", "-pthread"), program)
        yield made


@pytest.fixture
def walled(governed: Governed) -> Walled:
    return governed.walled


def _debug(walled: Walled, *words: str) -> Result:
    return walled.run("./debugger", *words, cwd=os.fspath(walled.view.tree))


@pytest.mark.parametrize("program", [_SHRED, _UNAME], ids=["forbidden", "permitted"])
def test_what_is_traced_starts_no_program(walled: Walled, program: tuple[str, ...]) -> None:
    done = _debug(walled, "hold", *program)
    assert done.out == "EPERM\n"
    assert _WORDS in done.err
    assert "hint: start it first, then attach to it: gdb -p PID" in done.err


def test_it_is_said_once_a_command(walled: Walled) -> None:
    done = walled.sh("for _ in 1 2 3; do ./debugger hold /usr/bin/uname x; done")
    assert (done.out, done.err.count(_WORDS)) == ("EPERM\n" * 3, 1)


def test_a_tracer_of_the_first_thread_sees_nothing_run_unjudged(walled: Walled) -> None:
    """The second thread is not traced and becomes the first one by its exec."""
    assert _debug(walled, "leader", *_SHRED).out == "status 126\n"
    done = _debug(walled, "leader", *_UNAME)
    assert done.out.splitlines()[-1] == "status 0"


def test_what_was_traced_before_is_judged(walled: Walled) -> None:
    assert _debug(walled, "detached", *_SHRED).out == "status 126\n"
    assert _debug(walled, "detached", *_UNAME).out.endswith("status 0\n")


@pytest.mark.parametrize("program", [_SHRED, _UNAME], ids=["forbidden", "permitted"])
def test_a_tracer_at_every_moment_of_an_exec(governed: Governed, program: tuple[str, ...]) -> None:
    governed.refused.clear()
    done = _debug(governed.walled, "race", *program, _ATTEMPTS)
    found = re.search(r"^ran (\d+) refused (\d+) failed (\d+)$", done.err, re.MULTILINE)
    assert found, done
    ran, refused, failed = map(int, found.groups())
    assert ran + refused + failed == int(_ATTEMPTS), done
    assert failed > 0, done
    if program == _SHRED:
        assert (ran, refused) == (0, len(governed.refused))
        assert refused > 0, done
        assert "shred (GNU coreutils)" not in done.out
    else:
        assert refused == 0
        assert ran > 0, done


def test_what_runs_can_be_traced(walled: Walled) -> None:
    done = walled.sh("sleep 30 & sleep 0.2; ./debugger attach $!; kill %1")
    assert done.out == "attached\n"


def test_what_an_earlier_command_started_can_be_traced(walled: Walled) -> None:
    walled.sh("setsid sleep 30 >/dev/null 2>&1 & echo $! >pid; sleep 0.2")
    assert walled.sh("./debugger attach $(cat pid); kill $(cat pid)").out == "attached\n"


@pytest.mark.skipif(not shutil.which("gdb"), reason="needs gdb")
def test_gdb_of_what_runs(walled: Walled) -> None:
    """It falls back to ptrace where /proc/PID/mem cannot be written."""
    look = "gdb -batch -p $! -ex 'print $pc' -ex 'set *(long*)$sp = 4711' -ex 'print *(long*)$sp'"
    done = walled.sh(f"sleep 30 & sleep 0.1; {look}; kill %1")
    assert re.search(r"^\$2 = 4711$", done.out, re.MULTILINE), done


@pytest.mark.skipif(not shutil.which("gdb"), reason="needs gdb")
def test_gdb_says_that_it_cannot_start_a_program(walled: Walled) -> None:
    done = walled.sh("gdb -batch -ex run /usr/bin/true </dev/null")
    assert "Operation not permitted" in done.err
    assert _WORDS in done.err


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_strace(walled: Walled) -> None:
    done = walled.sh("strace -o trace true")
    assert done.status != 0
    assert _WORDS in done.err
    done = walled.sh("sleep 0.5 & strace -o trace -p $!; tail -1 trace")
    assert done.out == "+++ exited with 0 +++\n"


@pytest.mark.parametrize("pid", ["1", "2"])
def test_what_polis_runs_inside_is_out_of_reach(walled: Walled, pid: str) -> None:
    """The first process and the starter: no exec of theirs is judged."""
    assert _debug(walled, "attach", pid).out == "EPERM\n"
    open_it = f"import os; os.open('/proc/{pid}/mem', os.O_RDWR)"
    assert "PermissionError" in walled.python(open_it).err


def test_nothing_writes_to_another_process_without_tracing_it(walled: Walled) -> None:
    text = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    import time
    time.sleep(30)
bytes_, span = ctypes.create_string_buffer(8), (ctypes.c_void_p * 2)()
span[0], span[1] = ctypes.addressof(bytes_), 8
for name in ("process_vm_readv", "process_vm_writev"):
    print(name, libc[name](child, span, 1, span, 1, 0), ctypes.get_errno())
    ctypes.set_errno(0)
print(libc.syscall(438, os.pidfd_open(child), 0, 0), ctypes.get_errno())  # pidfd_getfd
try:
    os.open(f"/proc/{child}/mem", os.O_RDWR)
except OSError as fault:
    print(fault.errno)
os.kill(child, 9)
"""
    assert walled.python(text).out.splitlines() == [
        "process_vm_readv 8 0",
        "process_vm_writev -1 1",
        "-1 1",
        "13",
    ]


def test_an_errand_of_polis_is_out_of_reach(walled: Walled) -> None:
    """Nobody judges what it starts. Its program could be dumped, its uid is the agent's."""
    ours, theirs = socket.socketpair()
    with theirs:
        walled.link.run(
            "errand",
            [b"/usr/bin/sleep", b"3"],
            [],
            b"",
            theirs.fileno(),
            {},
            report=b"",
            judged="errand",
        )
    line = "until pid=$(pgrep -fx '/usr/bin/sleep 3'); do :; done; ./debugger attach $pid"
    assert walled.sh(line).out == "EPERM\n"
    assert walled.sh("sleep 3 & sleep 0.2; ./debugger attach $!; kill %1").out == "attached\n"
    assert int(walled.finish(ours)[-1][1]) == 0
    walled.ended("errand")


def test_a_command_is_not_caught_before_its_execs_are_seen(walled: Walled) -> None:
    """What is not under both filters yet cannot be attached to."""
    read, write = os.pipe()
    client = walled.start("./debugger", "catch", "3", descriptors={1: write})
    number = f"run-{walled.count}"
    os.close(write)
    with open(read) as printed:
        assert printed.readline() == "ready\n"
        for _ in range(150):
            walled.run("true")
        caught, filters = printed.readline().split()
    walled.finish(client)
    walled.ended(number)
    assert (int(caught) > 0, filters) == (True, "2")


@pytest.mark.parametrize("argv", [_SHRED, ("/bin/bash", "-c", "true")], ids=["other", "bash"])
def test_a_start_is_judged_where_it_is_not_the_line_that_was(
    governed: Governed, argv: tuple[str, ...]
) -> None:
    """A debugger may have had the process before its exec, and made it another one's."""
    governed.refused.clear()
    walled = governed.walled
    asked = len(walled.asked)
    ours, theirs = socket.socketpair()
    with theirs:
        words = [word.encode() for word in argv]
        walled.link.run("odd", words, [], b"", theirs.fileno(), {}, report=b"", judged="line")
    status = int(walled.finish(ours)[-1][1])
    walled.ended("odd")
    assert status == (126 if argv == _SHRED else 0)
    assert len(walled.asked) == asked + (argv == _SHRED)


def test_a_command_that_asks_to_be_traced_starts_nothing(walled: Walled) -> None:
    """Its parent is the keeper, which has not asked for it."""
    text = "import ctypes, os; ctypes.CDLL(None).ptrace(0, 0, 0, 0); os.execv('/bin/true', ['x'])"
    done = walled.python(text)
    assert "PermissionError" in done.err
    assert _WORDS in done.err
    assert walled.sh("exit 3").status == 3
