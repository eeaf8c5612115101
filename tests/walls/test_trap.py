"""The trap, run by a small BPF machine: which calls a keeper sees."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest
from bpf import ALLOW, ARCHITECTURES, I386, KILL, NOTIFY, answer_error, ask, pack_call, run
from hypothesis import example, given
from hypothesis import strategies as st

from cash.walls.syscalls import CLONE_PARENT
from cash.walls.trap import EXECS, OPENS, WRITES, make_trap, name_of

_MACHINES = tuple(ARCHITECTURES)
_COLUMN = {"x86_64": 0, "aarch64": 1}
_TRAPS = {
    (name, writes): make_trap(name, writes=writes) for name in _MACHINES for writes in (False, True)
}
_FLAGS_AT = {"open": 1, "openat": 2}
_ROWS = [
    (machine, name, numbers[_COLUMN[machine]])
    for machine in _MACHINES
    for name, numbers in (EXECS | OPENS | WRITES).items()
    if numbers[_COLUMN[machine]] >= 0
]
_CLONE = {"x86_64": 56, "aarch64": 220}
_HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def _open(machine: str, name: str, flags: int) -> tuple[int, int, tuple[int, ...]]:
    """A program's answers to an open: with writes, without, and the call's arguments."""
    number = OPENS[name][_COLUMN[machine]]
    arguments = (*([0x7FFF0000] * _FLAGS_AT[name]), flags, 0o644)
    with_writes = ask(_TRAPS[machine, True], machine, number, arguments)
    return with_writes, ask(_TRAPS[machine, False], machine, number, arguments), arguments


@pytest.mark.parametrize(("machine", "name", "number"), _ROWS)
def test_what_traps(machine: str, name: str, number: int) -> None:
    assert name_of(number, machine) == name
    everything = (0xFFFFFFFF,) * 6
    for arguments in ((), everything):
        with_writes = ask(_TRAPS[machine, True], machine, number, arguments)
        without = ask(_TRAPS[machine, False], machine, number, arguments)
        reads = name in OPENS and not arguments
        assert with_writes == (ALLOW if reads else NOTIFY)
        assert without == (NOTIFY if name in EXECS else ALLOW)


@pytest.mark.parametrize("machine", _MACHINES)
def test_every_other_number_is_allowed(machine: str) -> None:
    trapped = {number for of, _, number in _ROWS if of == machine}
    execs = {numbers[_COLUMN[machine]] for numbers in EXECS.values()}
    everything = (0xFFFFFFFF,) * 6
    for writes, expected in ((True, trapped), (False, execs)):
        program = _TRAPS[machine, writes]
        found = {
            number: ask(program, machine, number, everything)
            for number in (*range(601), 1023, 4095, 0x3FFFFFFF)
        }
        assert {number for number, answer in found.items() if answer == NOTIFY} == expected
        assert found.pop(_CLONE[machine]) == answer_error(errno.EINVAL)  # as somebody's sibling
        assert {*found.values()} == {ALLOW, NOTIFY}
    for number in {*range(-1, 601)} - trapped:
        assert name_of(number, machine) is None


# x86's O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE, and aarch64's, are the same four bits.
_PLACES = (0o40000, 0o100000, 0o200000, 0o400000)


@pytest.mark.parametrize(
    ("flags", "writes"),
    [
        (0, False),  # O_RDONLY
        (0o1, True),  # O_WRONLY
        (0o2, True),  # O_RDWR
        (0o3, True),  # asks for both, gives neither: ioctl only
        (0o100, True),  # O_CREAT, for reading
        (0o1000, True),  # O_TRUNC empties a file even if it is opened for reading
        (0o2000, False),  # O_APPEND says how to write, not that one will
        (0o2000000, False),  # O_CLOEXEC
        (0o10000000, False),  # O_PATH
        (0o20000000, True),  # O_TMPFILE's own bit
        (0o20200002, True),  # O_TMPFILE | O_RDWR as x86_64 spells it
        (0o20040002, True),  # and as aarch64 does
        *((place, False) for place in _PLACES),
        (sum(_PLACES), False),
        (0o2000 | 0o4000 | 0o1000000 | 0o2000000 | sum(_PLACES), False),
        (0o1_0000_0000_0001, True),
        (1 << 32, False),  # flags are an int: the kernel never sees the high half
        (0xFFFFFFFF << 32, False),
    ],
)
@pytest.mark.parametrize(
    ("machine", "name"), [(row[0], row[1]) for row in _ROWS if row[1] in OPENS]
)
def test_opens(machine: str, name: str, flags: int, writes: bool) -> None:
    with_writes, without, _ = _open(machine, name, flags)
    assert (with_writes, without) == (NOTIFY if writes else ALLOW, ALLOW)


@given(flags=st.integers(0, (1 << 64) - 1) | st.integers(0, 22).map(lambda bit: 1 << bit))
@example(flags=0o2000000)
def test_opens_by_any_flags(flags: int) -> None:
    says_so = flags & 0o3 != 0 or any(flags & bit for bit in (0o100, 0o1000, 0o20000000))
    for machine, name in (("x86_64", "open"), ("x86_64", "openat"), ("aarch64", "openat")):
        with_writes, without, arguments = _open(machine, name, flags)
        assert with_writes == (NOTIFY if says_so else ALLOW), arguments
        assert without == ALLOW


@given(
    number=st.integers(0, 600)
    | st.sampled_from([row[2] for row in _ROWS])
    | st.integers(0, 1 << 31),
    arguments=st.tuples(*[st.integers(0, 1 << 33)] * 6),
)
def test_a_search_by_halves_means_what_the_table_says(
    number: int, arguments: tuple[int, ...]
) -> None:
    for (machine, writes), program in _TRAPS.items():
        naive = _naive(machine, number, arguments, writes=bool(writes))
        assert ask(program, machine, number, arguments) == naive


def _naive(machine: str, number: int, arguments: tuple[int, ...], *, writes: bool) -> int:
    if number >= 0x40000000:
        return KILL
    if number == _CLONE[machine] and arguments[0] & CLONE_PARENT:
        return answer_error(errno.EINVAL)
    table = EXECS | OPENS | WRITES if writes else EXECS
    for name, numbers in table.items():
        if numbers[_COLUMN[machine]] == number:
            place = _FLAGS_AT.get(name)
            return NOTIFY if place is None or arguments[place] & 0o20001103 else ALLOW
    return ALLOW


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("machine", _MACHINES)
def test_foreign_calls_are_killed(machine: str, writes: bool) -> None:
    program = _TRAPS[machine, writes]
    for architecture in {*ARCHITECTURES.values(), I386, 0} - {ARCHITECTURES[machine]}:
        for number in (0, 11, 59, 221, 257):  # 11: execve by int 0x80
            assert run(program, pack_call(number, architecture=architecture)) == KILL
    for number in (59, 520, 545, 0):  # x32's execve and execveat are 520 and 545
        assert ask(program, machine, 0x40000000 | number) == KILL


def test_an_unknown_machine_is_an_error() -> None:
    with pytest.raises(KeyError, match="riscv64"):
        make_trap("riscv64", writes=False)
    with pytest.raises(KeyError, match="riscv64"):
        name_of(59, "riscv64")


def test_no_number_is_there_twice() -> None:
    for machine in _MACHINES:
        numbers = [number for of, _, number in _ROWS if of == machine]
        assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("machine", _MACHINES)
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    header = _HEADERS[machine]
    if not header.exists():
        pytest.skip("needs linux-libc-dev")
    defined = re.findall(r"^#define __NR(?:3264)?_(\w+) (\d+)$", header.read_text(), re.MULTILINE)
    known = {name: int(number) for name, number in defined}
    newest = max(known.values())
    for name, numbers in (EXECS | OPENS | WRITES).items():
        number = numbers[_COLUMN[machine]]
        if number <= newest:  # newer calls than the headers
            assert known.get(name, -1) == number, name
