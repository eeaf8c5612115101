"""Turns an exec into another one: what a verdict other than "allow" amounts to.

At its exec stop a process has a fresh stack and its entry code before it. The words of the other
exec are written below that stack, the call itself over the entry code, both in memory that this
exec will throw away. Nobody's memory but the new program's own is touched, so a vfork parent,
which went on when the first exec succeeded, sees nothing of it.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Sequence
from typing import Final

from cash.keeper import tracing
from cash.keeper.image import Image
from cash.keeper.standins import StandIn
from cash.keeper.tracing import Machine

# Below the stack pointer a signal handler's frame may come to lie.
_APART: Final = 256
# The kernel takes no longer word, MAX_ARG_STRLEN. Altogether a stack holds more than it takes.
_LONGEST: Final = 128 * 1024


def redirect(
    pid: int,
    image: Image,
    machine: Machine,
    stand_in: StandIn,
) -> None:
    """Has the process at its exec stop become another program as soon as it goes on. OSError when
    it is gone, ValueError when the words have no room; then nothing has changed."""
    environment = stand_in.environment
    registers = list(image.registers)
    stack = registers[machine.stack]
    own = _own_environment(stack, len(image.argv)) if environment is None else None
    base, memory, places = _lay_out(stack, (stand_in.program, *stand_in.argv), environment)
    _write(pid, base, memory)
    tracing.write_code(pid, registers[machine.program], machine.code)
    path, arguments, variables = places
    values = (path, arguments, variables if own is None else own)
    for place, value in zip(machine.arguments, values, strict=True):
        registers[place] = value
    registers[machine.stack] = base - _APART & ~15
    tracing.write_registers(pid, registers)


def _write(pid: int, place: int, memory: bytes) -> None:
    """Below the stack: it grows as for the program itself, from the lowest byte that is touched."""
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        done = 0
        while done < len(memory):
            try:
                done += os.pwrite(descriptor, memory[done:], place + done)
            except OSError as fault:
                if fault.errno != errno.EIO:
                    raise
                raise ValueError("the stack has no room") from fault
    finally:
        os.close(descriptor)


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
    if any(len(text) >= _LONGEST for text in texts):
        raise ValueError("a word is too long")
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
