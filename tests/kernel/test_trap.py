"""The trap on this machine's own kernel: who sees what, and what their answers do."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from walled import PATIENCE

from cash.walls import syscalls
from cash.walls.passing import receive_with
from cash.walls.trap import name_of

pytestmark = pytest.mark.kernel

# _IOWR('!', 0, 80 bytes) and _IOWR('!', 1, 24 bytes).
_RECEIVE, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
_NOTICE, _ANSWER = struct.Struct("=QII iIQ6Q"), struct.Struct("=QqiI")

_START = """
import os, socket, sys
from cash.walls import bpf, passing, syscalls, trap
syscalls.prctl(38, 1)  # PR_SET_NO_NEW_PRIVS
"""
_EXEC = (
    _START
    + """
link = socket.socket(fileno=int(sys.argv[1]))
listener = trap.install_trap(trap.make_trap(syscalls.MACHINE, writes=sys.argv[2] == "writes"))
assert not os.get_inheritable(listener)
passing.send_with(link, b"!", [listener])
os.close(listener)
with open(sys.argv[3], "a") as file:
    file.write("seen")
with open(sys.argv[3]) as file:
    assert file.read() == "seen"
os.execv("/bin/true", ["true"])
"""
)


def _watch(listener: int, decide: Callable[[str], int]) -> list[str]:
    """Answers everything until nobody is left to ask, and tells what it was."""
    seen, poll = [], select.poll()
    poll.register(listener, select.POLLIN)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for _, events in poll.poll(1000):
            if not events & select.POLLIN:
                return seen
            notice = bytearray(_NOTICE.size)  # zeroed: the kernel insists
            fcntl.ioctl(listener, _RECEIVE, notice, True)
            identity, _, _, number, *_ = _NOTICE.unpack(notice)
            name = name_of(number, syscalls.MACHINE) or str(number)
            seen.append(name)
            error = decide(name)
            answer = _ANSWER.pack(identity, 0, -error, 0 if error else _CONTINUE)
            fcntl.ioctl(listener, _SEND, bytearray(answer), True)
    raise AssertionError(f"still there after {seen}")


def _run(what: str, file: Path, decide: Callable[[str], int]) -> tuple[list[str], int, str]:
    """What was seen of the script, its exit status and its last words."""
    ours, theirs = socket.socketpair()
    argv = [sys.executable, "-B", "-c", _EXEC, str(theirs.fileno()), what, str(file)]
    with (
        ours,
        subprocess.Popen(argv, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE) as child,
    ):
        theirs.close()
        try:
            ours.settimeout(PATIENCE)
            _, [listener] = receive_with(ours, 1, 1)
            try:
                seen = _watch(listener, decide)
            finally:
                os.close(listener)
            _, words = child.communicate(timeout=PATIENCE)
            return seen, child.returncode, words.decode().strip().rpartition("\n")[2]
        finally:
            child.kill()


def test_an_exec_is_seen_and_goes_on(tmp_path: Path) -> None:
    assert _run("execs", tmp_path / "file", lambda _: 0) == (["execve"], 0, "")


def test_an_exec_is_refused(tmp_path: Path) -> None:
    seen, status, words = _run("execs", tmp_path / "file", lambda _: errno.EACCES)
    assert (seen, status) == (["execve"], 1)
    assert words == "PermissionError: [Errno 13] Permission denied"
    assert (tmp_path / "file").read_text() == "seen"


def test_writes_are_seen_and_reads_are_not(tmp_path: Path) -> None:
    assert _run("writes", tmp_path / "file", lambda _: 0) == (["openat", "execve"], 0, "")
    assert (tmp_path / "file").read_text() == "seen"


def test_a_write_is_refused(tmp_path: Path) -> None:
    refuse = {"openat": errno.EROFS}
    seen, status, words = _run("writes", tmp_path / "file", lambda name: refuse.get(name, 0))
    assert (seen, status) == (["openat"], 1)
    assert words.startswith("OSError: [Errno 30] Read-only file system: ")
    assert not (tmp_path / "file").exists()


def _fail(script: str) -> str:
    """The last words of a script that fails."""
    argv = [sys.executable, "-B", "-c", _START + script]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ran.returncode == 1
    return ran.stderr.strip().rpartition("\n")[2]


def test_a_process_has_one_listener_at_most() -> None:
    words = _fail(
        "program = trap.make_trap(syscalls.MACHINE, writes=False)\n"
        "for _ in range(2): trap.install_trap(program)\n"
    )
    assert words == "OSError: [Errno 16] seccomp: Device or resource busy"


# A kernel that does not know WAIT_KILLABLE_RECV (32): seccomp's second argument is its flags.
_OLD_KERNEL = """
number = {"x86_64": 317, "aarch64": 277}[syscalls.MACHINE]
allow = bpf.statement(bpf.RETURN, bpf.ALLOW)
refuse = [bpf.load_argument(1), bpf.jump(bpf.BITS, 32, 0, 1), bpf.statement(bpf.RETURN, 0x50016)]
lines = [*bpf.prologue(syscalls.MACHINE), *bpf.choose({number: [*refuse, allow]}, [allow])]
bpf.install(b"".join(lines))
trap.install_trap(trap.make_trap(syscalls.MACHINE, writes=False))
"""


def test_an_old_kernel_is_told_apart() -> None:
    assert _fail(_OLD_KERNEL) == (
        "OSError: [Errno 22] seccomp: no listener that only death interrupts; "
        "Linux 5.19 or newer is needed"
    )
