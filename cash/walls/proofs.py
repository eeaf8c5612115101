"""What the walls promise, as small programs that try to break it from inside."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cash.walls import namespaces, seccomp, syscalls
from cash.walls.enter import Walls, confine

_SYSTEM_PATH: Final = "/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Proof:
    """A promise, and an argv that ends with 0 when it holds."""

    promise: str
    argv: tuple[str, ...]


def list_proofs(
    *, secret: str, other: str, port: int, python: str | None = None
) -> tuple[Proof, ...]:
    """Every proof. secret: a readable file of the host that no agent may see. other: the tree of
    another agent. port: one on which the host listens at 127.0.0.1. python: one that runs inside.
    What a proof needs and the machine lacks (perl, a Python) leaves it out."""
    lines = {
        "its processes are never uid 0": 'test "$(id -u)" -ne 0',
        "no capabilities": "grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status",
        "no way back to privileges": "grep -q '^NoNewPrivs:[[:space:]]*1$' /proc/self/status",
        "kernel settings cannot be written": "! (echo x > /proc/sys/kernel/core_pattern)",
        "the system cannot be written": "! touch /usr/polis-proof && ! touch /etc/polis-proof",
        "files of the host are not there": f"! cat '{secret}'",
        "another agent's tree is not there": f"! ls -d '{other}' && ! touch '{other}/polis-proof'",
        "places of keys are empty": "test -z \"$(ls -A ~/.ssh ~/.aws ~/.gnupg | grep -v ':$')\"",
        "host ports are not there": f"! (exec 3<>/dev/tcp/127.0.0.1/{port})",
        "no network but the proxy": "! (exec 3<>/dev/tcp/1.1.1.1/443)",
        "nothing can be mounted": "! mount -t tmpfs none /tmp",
        "no user namespaces": "! unshare --user true",
        "only its own processes": 'test "$(cat /proc/1/comm)" = cat',
    }
    bash = shutil.which("bash", path=_SYSTEM_PATH) or "/bin/sh"
    return (
        *(Proof(promise, (bash, "-c", line)) for promise, line in lines.items()),
        *_system_calls(bash),
        *(_foreign_calls(bash, python) if python else ()),
    )


def prove(proofs: tuple[Proof, ...], run: Callable[[tuple[str, ...]], int]) -> dict[str, bool]:
    """Promise → whether it held; `run` gives the status of an argv inside the walls."""
    return {proof.promise: run(proof.argv) == 0 for proof in proofs}


def run_inside(walls: Walls, argv: tuple[str, ...]) -> int:
    """The status of a program run in standing walls, silently, without a keeper. For single-
    threaded callers."""
    between, pidfd = syscalls.clone()
    if between == 0:
        status = 125
        try:
            namespaces.join_process_space(walls.pidfd, walls.view)
            child, _ = syscalls.clone()
            if child == 0:
                _become(walls, argv)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        finally:
            os._exit(status if status >= 0 else 128 - status)
    os.close(pidfd)
    return os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])


def _become(walls: Walls, argv: tuple[str, ...]) -> None:
    try:
        namespaces.join_rest(walls.pidfd)
        confine(walls.view, walls.ruleset)
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        home = str(walls.view.home_inside)
        os.execve(argv[0], argv, {"HOME": home, "PATH": f"/usr/sbin:/sbin:{_SYSTEM_PATH}"})
    finally:
        os._exit(125)


# A call, its arguments as perl says them, and how it must fail: with EPERM or ENOSYS, which is the
# filter's word. For other reasons it would fail without one.
_CALLS: Final = {
    "no io_uring (it passes every filter)": ("io_uring_setup", "1, my $p = chr(0) x 120", 38),
    "no opening of files by their number": (
        "open_by_handle_at",
        "-100, my $h = chr(0) x 99, 0",
        38,
    ),
    "no tracing of processes": ("ptrace", "0, 0, 0, 0", 1),
    "no writing to others' memory": ("process_vm_writev", "$$, 0, 0, 0, 0, 0", 1),
    "no taking of others' descriptors": ("pidfd_getfd", "syscall(434, $$, 0), 0, 0", 1),
    "no kernel keyrings": ("keyctl", "1, 0", 1),
}


def _system_calls(bash: str) -> Iterator[Proof]:
    perl = shutil.which("perl", path=_SYSTEM_PATH)
    if perl is None:
        return
    for promise, (name, arguments, error) in _CALLS.items():
        number = seccomp.number_of(name, platform.machine())
        if number is not None:
            # perl's syscall returns -1 on failure, which is what is hoped for.
            holds = f"syscall({number}, {arguments}) == -1 && $! == {error}"
            yield Proof(promise, (perl, "-e", f"exit(!({holds}))"))
    if platform.machine() == "x86_64":
        yield _killed("x32 calls are killed", bash, (perl, "-e", "syscall(0x40000000 + 39)"))


# getpid by the gate of 32-bit programs.
_OLD_GATE: Final = """
import ctypes, mmap
memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(bytes.fromhex("b814000000cd80c3"))
ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()
"""


def _foreign_calls(bash: str, python: str) -> Iterator[Proof]:
    if platform.machine() == "x86_64":
        yield _killed("32-bit calls are killed", bash, (python, "-I", "-S", "-c", _OLD_GATE))


def _killed(promise: str, bash: str, argv: tuple[str, ...]) -> Proof:
    """Holds when argv is ended by a signal."""
    return Proof(promise, (bash, "-c", 'ulimit -c 0; "$@"; test $? -gt 128', "proof", *argv))
