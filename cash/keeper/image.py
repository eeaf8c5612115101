"""What a process has become: read at its exec stop, where nothing of it can change any more.

The new program has not run an instruction. Its threads are gone, its memory is its own: what
stands on its stack is what it will read. So no second thread, however quick, can show one thing
and run another (the notification before the exec is no such place).
"""

from __future__ import annotations

import itertools
import os
import struct
from dataclasses import dataclass
from typing import Final

from cash.keeper import tracing
from cash.keeper.tracing import Machine

# The kernel's own bound is a quarter of the stack's limit, 6 MB at most.
_LONGEST: Final = 8 * 1024 * 1024
_FIRST_READ: Final = 32 * 1024
_EXEC_NAME: Final = 31  # AT_EXECFN
_POINTER: Final = 8


class Unreadable(Exception):
    """It is no image this keeper can judge. args: why."""


@dataclass(frozen=True, slots=True)
class Image:
    """A program at its start.

    name: the path that was asked for, as it was asked for: for a script, the script. argv: its
    arguments; for a script, those the kernel made (interpreter, its option, script, …).
    environment: NAME=value, as handed over. file: the path of the program itself, "… (deleted)"
    or "/memfd:…" where there is none. device, inode, size, changed: of that file. cwd: its
    directory. registers: as they stand at its first instruction.
    """

    name: bytes
    argv: tuple[bytes, ...]
    environment: tuple[bytes, ...]
    file: str
    device: int
    inode: int
    size: int
    changed: int
    cwd: str
    registers: tuple[int, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What makes another start the same one, by whatever path."""
        return (self.device, self.inode, self.changed, self.argv, self.cwd)


def read_image(pid: int, machine: Machine) -> Image:
    """The image of a process at its exec stop. Unreadable, or OSError when it is gone."""
    registers = tracing.read_registers(pid, machine)
    if machine.wide is not None and registers[machine.wide[0]] != machine.wide[1]:
        raise Unreadable("a program for another architecture")
    stack = registers[machine.stack]
    memory = _read_stack(pid, stack)
    argv, environment, name = _parse(memory, stack)
    file = os.stat(f"/proc/{pid}/exe")
    return Image(
        name=name,
        argv=argv,
        environment=environment,
        file=os.readlink(f"/proc/{pid}/exe"),
        device=file.st_dev,
        inode=file.st_ino,
        size=file.st_size,
        changed=file.st_ctime_ns,
        cwd=os.readlink(f"/proc/{pid}/cwd"),
        registers=tuple(registers),
    )


def _read_stack(pid: int, start: int) -> bytes:
    """From the stack's pointer to its end: a read stops where the mapping does."""
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        memory = os.pread(descriptor, _FIRST_READ, start)
        while len(memory) % _FIRST_READ == 0 and 0 < len(memory) < _LONGEST:
            try:
                more = os.pread(descriptor, _FIRST_READ, start + len(memory))
            except OSError:
                break  # the mapping ended just there
            if not more:
                break
            memory += more
    finally:
        os.close(descriptor)
    return memory


def _parse(memory: bytes, start: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...], bytes]:
    """argc, argv…, NULL, environment…, NULL, auxiliary vector (System V ABI, 3.4.1), then texts."""
    try:
        count, first = struct.unpack_from("=2Q", memory)
        if not count or not start < first < start + len(memory):
            raise ValueError("a pointer leads out of the stack")
        words = struct.unpack_from(f"={(first - start) // _POINTER}Q", memory)
        end = words.index(0, count + 2)
        keys = words[end + 1 :: 2]
        name = keys.index(_EXEC_NAME, 0, keys.index(0))
        texts = _texts_at(memory, start, (*words[1 : count + 1], *words[count + 2 : end]))
        at = words[end + 2 + 2 * name] - start
        return texts[:count], texts[count:], _text_at(memory, at)
    except (struct.error, IndexError, ValueError, MemoryError) as fault:
        raise Unreadable(f"its stack cannot be read: {fault}") from fault


def _texts_at(memory: bytes, start: int, pointers: tuple[int, ...]) -> tuple[bytes, ...]:
    """The texts that pointers lead to. The kernel lays them out one behind the other, in that
    order: then they are taken in one go."""
    texts = memory[pointers[0] - start :].split(b"\0", len(pointers))[:-1]
    ends = itertools.accumulate([len(text) + 1 for text in texts], initial=pointers[0])
    if (*ends,)[:-1] == pointers:
        return tuple(texts)
    return tuple([_text_at(memory, pointer - start) for pointer in pointers])


def _text_at(memory: bytes, place: int) -> bytes:
    if not 0 < place < len(memory):
        raise ValueError("a pointer leads out of the stack")
    return memory[place : memory.index(b"\0", place)]
