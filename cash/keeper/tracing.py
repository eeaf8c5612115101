"""ptrace, as far as looking at an exec needs it: seize, wait for its stop, let go.

PTRACE_O_TRACEEXEC alone: one stop at each exec, none at forks or system calls. With EXITKILL what
was being looked at dies with the keeper, so nothing passes unjudged.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from dataclasses import dataclass
from typing import Final

from cash.walls import syscalls

_SEIZE, _INTERRUPT, _CONTINUE, _DETACH, _POKE = 0x4206, 0x4207, 7, 17, 4
_GET_REGISTERS, _SET_REGISTERS = 0x4204, 0x4205
_GENERAL: Final = 1  # NT_PRSTATUS
_OPTIONS: Final = 0x10 | 0x100000  # O_TRACEEXEC, O_EXITKILL
_EVENT_EXEC: Final = 4
_WAIT_ALL: Final = 0x40000000  # __WALL: threads too


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a machine keeps what an exec needs, as places in its general registers, and the code
    that makes one: the call's number, the call, and exit_group(126) should it come back. call:
    execve's number.
    wide: the code segment of 64-bit programs and its place, where there are others."""

    count: int
    stack: int
    program: int
    arguments: tuple[int, int, int]
    code: bytes
    call: int
    wide: tuple[int, int] | None = None


MACHINES: Final = {
    "x86_64": Machine(
        count=27,
        stack=19,
        program=16,
        arguments=(14, 13, 12),
        # mov eax, 59; syscall; mov edi, 126; mov eax, 231; syscall; ud2
        code=bytes.fromhex("b83b0000000f05bf7e000000b8e70000000f050f0b"),
        call=59,
        wide=(17, 0x33),
    ),
    "aarch64": Machine(
        count=34,
        stack=31,
        program=32,
        # The exec's own result is put into x0 when its stop ends, so the path waits in x19.
        arguments=(19, 1, 2),
        # mov x0, x19; mov x8, 221; svc 0; mov x0, 126; mov x8, 94; svc 0; udf
        code=bytes.fromhex("e00313aaa81b80d2010000d4c00f80d2c80b80d2010000d400000000"),
        call=221,
    ),
}


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


@dataclass(frozen=True, slots=True)
class Exec:
    """It has become another program and has not begun to run."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """It is about to get a signal, or was interrupted (signal 0)."""

    signal: int


@dataclass(frozen=True, slots=True)
class Gone:
    """It has ended."""


Stop = Exec | Stopped | Gone


def seize(tid: int) -> None:
    """Begins to trace a thread, without stopping it. OSError."""
    syscalls.ptrace(_SEIZE, tid, 0, _OPTIONS)


def is_traced(tid: int) -> bool:
    """Whether it is this process that traces it."""
    return tracer_of(tid) == os.getpid()


def tracer_of(tid: int) -> int:
    """Who traces a thread; 0: nobody."""
    with contextlib.suppress(OSError), open(f"/proc/{tid}/status", "rb") as lines:
        for line in lines:
            if line.startswith(b"TracerPid:"):
                return int(line[10:])
    return 0


def interrupt(tid: int) -> None:
    """Has it stop as soon as it can; its stop comes later. OSError."""
    syscalls.ptrace(_INTERRUPT, tid)


def resume(tid: int, number: int = 0) -> None:
    """Goes on tracing, with a signal delivered. OSError when it is gone."""
    syscalls.ptrace(_CONTINUE, tid, 0, number)


def release(tid: int, number: int = 0) -> None:
    """Ends tracing at a stop, with a signal delivered. OSError when it is gone."""
    syscalls.ptrace(_DETACH, tid, 0, number)


def next_stop(tid: int, *, is_child: bool) -> Stop | None:
    """What a traced thread has come to, or None: it runs. is_child: its end is told to someone
    else, who waits for it as its parent."""
    try:
        if is_child:
            # Looked at first without taking it: an end is its parent's to take.
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT | _WAIT_ALL
            found = os.waitid(os.P_PID, tid, options)
            if found is None:
                return None
            if found.si_code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED):
                return Gone()
        pid, status = os.waitpid(tid, os.WNOHANG | _WAIT_ALL)
    except ChildProcessError:
        return Gone()
    if pid == 0:
        return None
    if not os.WIFSTOPPED(status):
        return Gone()
    event = status >> 16
    if event == _EVENT_EXEC:
        return Exec()
    return Stopped(0 if event else os.WSTOPSIG(status))


def read_registers(tid: int, machine: Machine) -> list[int]:
    """The general registers of a stopped thread. OSError."""
    values = (ctypes.c_uint64 * machine.count)()
    _registers(_GET_REGISTERS, tid, values)
    return list(values)


def write_registers(tid: int, values: list[int]) -> None:
    """The reverse of read_registers."""
    _registers(_SET_REGISTERS, tid, (ctypes.c_uint64 * len(values))(*values))


def write_code(tid: int, address: int, code: bytes) -> None:
    """Writes over a stopped program's code, in memory of its own. OSError."""
    code += bytes(-len(code) % 8)
    for place in range(0, len(code), 8):
        word = int.from_bytes(code[place : place + 8], "little")
        syscalls.ptrace(_POKE, tid, address + place, word)


def _registers(request: int, tid: int, values: ctypes.Array[ctypes.c_uint64]) -> None:
    vector = _Vector(ctypes.addressof(values), ctypes.sizeof(values))
    syscalls.ptrace(request, tid, _GENERAL, ctypes.byref(vector))


def kill(tid: int) -> None:
    """What cannot be judged does not run."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(tid, signal.SIGKILL)
