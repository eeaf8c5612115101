"""Turns an exec into another one: what a verdict other than "allow" amounts to.

At its exec stop a process has a fresh stack and its entry code before it. The words of the other
exec are written below that stack, the call itself over the entry code, both in memory that this
exec will throw away. Nobody's memory but the new program's own is touched, so a vfork parent,
which went on when the first exec succeeded, sees nothing of it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import Final

from cash.keeper import tracing
from cash.keeper.image import Image
from cash.keeper.tracing import Machine

# Below the stack pointer a signal handler's frame may come to lie.
_APART: Final = 256
# The kernel maps at least this much of the stack below what it put there (exec.c, 128 kB).
_ROOM: Final = 120 * 1024


def redirect(
    pid: int,
    image: Image,
    machine: Machine,
    program: bytes,
    argv: Sequence[bytes],
    environment: Sequence[bytes] | None = None,
) -> None:
    """Has the process at its exec stop become `program` as soon as it goes on. environment: None
    leaves its own. OSError when it is gone, ValueError when the words have no room."""
    registers = list(image.registers)
    stack = registers[machine.stack]
    own = _own_environment(stack, len(image.argv)) if environment is None else None
    base, memory, places = _lay_out(stack, (program, *argv), environment)
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        if os.pwrite(descriptor, memory, base) != len(memory):
            raise ValueError("the stack has no room")
    finally:
        os.close(descriptor)
    tracing.write_code(pid, registers[machine.program], machine.code)
    path, arguments, variables = places
    values = (path, arguments, variables if own is None else own)
    for place, value in zip(machine.arguments, values, strict=True):
        registers[place] = value
    registers[machine.stack] = base - _APART & ~15
    tracing.write_registers(pid, registers)


def _own_environment(stack: int, count: int) -> int:
    """Where the environment's pointers stand that came with the exec."""
    return stack + 8 * (count + 2)


def _lay_out(
    stack: int, words: Sequence[bytes], environment: Sequence[bytes] | None
) -> tuple[int, bytes, tuple[int, int, int]]:
    """Where to write what, and in it the places of path, argv and environment. words: the path,
    then argv."""
    texts = [*words, *(environment or ())]
    strings = b"".join(text + b"\0" for text in texts)
    pointers = 8 * (len(texts) - 1 + 2)
    size = pointers + len(strings)
    if size > _ROOM:
        raise ValueError("the stack has no room")
    base = stack - _APART - size & ~15
    places = []
    place = base + pointers
    for text in texts:
        places.append(place)
        place += len(text) + 1
    arguments = [*places[1 : len(words)], 0]
    variables = [*places[len(words) :], 0]
    memory = struct.pack(f"={len(arguments) + len(variables)}Q", *arguments, *variables) + strings
    return base, memory, (places[0], base, base + 8 * len(arguments))
