"""A small assembler for seccomp's programs (classic BPF), and the call that loads one.

A program is a list of lines of eight bytes; jumps count lines forward, at most 255 of them.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from cash.walls import syscalls

EQUAL, AT_LEAST, BITS, RETURN = 0x15, 0x35, 0x45, 0x06
KILL, ALLOW, ERRNO, NOTIFY = 0x80000000, 0x7FFF0000, 0x00050000, 0x7FC00000
_LOAD: Final = 0x20
# Where seccomp_data keeps what is loaded.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32_BIT: Final = 0x40000000
# Machines by platform.machine(): a table's column for it, and what the kernel calls it.
MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_SET_MODE_FILTER: Final = 1


def column_of(machine: str) -> int:
    """Which number of (x86_64, aarch64) is a machine's. KeyError for an unknown one."""
    return MACHINES[machine][0]


def statement(code: int, value: int) -> bytes:
    """One line that does not jump."""
    return struct.pack("=HBBI", code, 0, 0, value)


def jump(code: int, value: int, when: int, otherwise: int) -> bytes:
    """One line that compares what was loaded and skips that many lines."""
    return struct.pack("=HBBI", code, when, otherwise, value)


def load_argument(place: int) -> bytes:
    """Loads the low half of an argument (0 to 5): all that the kernel sees of an int."""
    return statement(_LOAD, _ARGUMENTS + 8 * place)


def prologue(machine: str) -> list[bytes]:
    """Kills foreign calls, whose numbers mean something else, and loads the number."""
    return [
        statement(_LOAD, _ARCHITECTURE),
        jump(EQUAL, MACHINES[machine][1], 1, 0),
        statement(RETURN, KILL),
        statement(_LOAD, _NUMBER),
        jump(AT_LEAST, _X32_BIT, 0, 1),
        statement(RETURN, KILL),
    ]


def choose(answers: Mapping[int, Sequence[bytes]], otherwise: Sequence[bytes]) -> list[bytes]:
    """Finds a loaded number's answer by halves; an answer is lines that end in a return."""
    return _search(_runs(answers, otherwise))


def _runs(
    answers: Mapping[int, Sequence[bytes]], otherwise: Sequence[bytes]
) -> list[tuple[int, Sequence[bytes]]]:
    """The number line in order: where each stretch with one answer begins."""
    runs: list[tuple[int, Sequence[bytes]]] = [(0, answers.get(0, otherwise))]
    for first in sorted({*answers, *(number + 1 for number in answers)}):
        answer = answers.get(first, otherwise)
        if runs[-1][1] != answer:
            runs.append((first, answer))
    return runs


def _search(runs: Sequence[tuple[int, Sequence[bytes]]]) -> list[bytes]:
    if len(runs) == 1:
        return list(runs[0][1])
    middle = len(runs) // 2
    low, high = _search(runs[:middle]), _search(runs[middle:])
    return [jump(AT_LEAST, runs[middle][0], len(low), 0), *low, *high]


def install(program: bytes, flags: int = 0) -> int:
    """Puts the caller under a program, for good; needs no_new_privs. What seccomp(2) returns."""
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(code))
    return syscalls.seccomp(_SET_MODE_FILTER, flags, header)
