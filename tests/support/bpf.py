"""Runs a seccomp program as the kernel would, on a call that nobody makes."""

from __future__ import annotations

import struct

ALLOW, NOTIFY, KILL = 0x7FFF0000, 0x7FC00000, 0x80000000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386 = 0x40000003
_LINE = struct.Struct("=HBBI")


def answer_error(error: int) -> int:
    """What a program returns to refuse a call with an errno."""
    return 0x00050000 | error


def pack_call(number: int, arguments: tuple[int, ...] = (), *, architecture: int) -> bytes:
    """struct seccomp_data: number, architecture, instruction pointer, six arguments."""
    words = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    return struct.pack("=IIQ6Q", number, architecture, 0, *words)


def ask(program: bytes, machine: str, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What a program answers to a call of a machine's own."""
    return run(program, pack_call(number, arguments, architecture=ARCHITECTURES[machine]))


def run(program: bytes, data: bytes) -> int:
    """What a program returns; ValueError where the kernel would not have taken it."""
    lines = list(_LINE.iter_unpack(program))
    at, value = 0, 0
    while at < len(lines):
        code, when, otherwise, k = lines[at]
        at += 1
        match code:
            case 0x20:  # LD | W | ABS
                value = _word(data, k)
            case 0x05:  # JMP | JA
                at += k
            case 0x15 | 0x25 | 0x35 | 0x45:
                at += when if _holds(code, value, k) else otherwise
            case 0x06:  # RET | K
                return int(k)
            case _:
                raise ValueError(f"line {at - 1}: no code {code:#x}")
    raise ValueError("the program has no end")


def _word(data: bytes, offset: int) -> int:
    if offset % 4 or offset + 4 > len(data):
        raise ValueError(f"no word at {offset}")
    return int(struct.unpack_from("=I", data, offset)[0])


def _holds(code: int, value: int, k: int) -> bool:
    match code:
        case 0x15:  # JEQ
            return value == k
        case 0x25:  # JGT
            return value > k
        case 0x35:  # JGE
            return value >= k
        case _:  # JSET
            return bool(value & k)
