"""The assembler, and the machine of these tests that runs what it makes."""

from __future__ import annotations

import struct

import pytest
from bpf import ALLOW, ARCHITECTURES, I386, KILL, ask, pack_call, run
from hypothesis import example, given
from hypothesis import strategies as st

from cash.walls import bpf

_NUMBERS = st.integers(0, 600)
_CALL = pack_call(0x12, (0xA_0000_000B, 2), architecture=ARCHITECTURES["x86_64"])


def _returning(value: int) -> list[bytes]:
    return [bpf.statement(bpf.RETURN, value)]


def _lines(*lines: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


@given(answers=st.dictionaries(_NUMBERS, st.integers(0, 3), max_size=60))
@example(answers={})
@example(answers={0: 1})
@example(answers={600: 1, 599: 1, 598: 2})
def test_a_search_by_halves_means_what_its_table_says(answers: dict[int, int]) -> None:
    table = {number: _returning(value) for number, value in answers.items()}
    search = bpf.choose(table, _returning(3))
    program = b"".join([*bpf.prologue("x86_64"), *search])
    found = {number: ask(program, "x86_64", number) for number in range(602)}
    assert found == {number: answers.get(number, 3) for number in range(602)}


def test_a_search_is_short() -> None:
    table = {number: _returning(1) for number in range(0, 128, 2)}  # 128 stretches
    lines = [struct.unpack("=HBBI", line) for line in bpf.choose(table, _returning(0))]
    assert _longest_way(lines) == 7
    assert len(bpf.choose(dict.fromkeys(range(50), _returning(1)), _returning(0))) == 3


def _longest_way(lines: list[tuple[int, int, int, int]], at: int = 0) -> int:
    """The most comparisons before a return."""
    code, when, otherwise, _ = lines[at]
    if code == bpf.RETURN:
        return 0
    return 1 + max(_longest_way(lines, at + 1 + skip) for skip in (when, otherwise))


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_foreign_calls_are_killed(machine: str) -> None:
    program = b"".join([*bpf.prologue(machine), *_returning(ALLOW)])
    foreign = {*ARCHITECTURES.values(), I386, 0} - {ARCHITECTURES[machine]}
    for architecture in foreign:
        assert run(program, pack_call(0, architecture=architecture)) == KILL
    for number in (0x40000000, 0x40000000 | 59, 0xFFFFFFFF):
        assert ask(program, machine, number) == KILL
    assert ask(program, machine, 0x3FFFFFFF) == ALLOW


def test_an_unknown_machine_is_an_error() -> None:
    with pytest.raises(KeyError, match="riscv64"):
        bpf.column_of("riscv64")
    with pytest.raises(KeyError, match="riscv64"):
        bpf.prologue("riscv64")


@pytest.mark.parametrize(
    ("lines", "returned"),
    [
        ([(0x06, 0, 0, 7)], 7),
        # Loads the number, the low half of an argument, and its high half.
        ([(0x20, 0, 0, 0), (0x15, 0, 1, 0x12), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 1),
        ([(0x20, 0, 0, 16), (0x15, 0, 1, 0xB), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 1),
        ([(0x20, 0, 0, 20), (0x15, 0, 1, 0xA), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 1),
        ([(0x20, 0, 0, 0), (0x25, 0, 1, 0x12), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 2),
        ([(0x20, 0, 0, 0), (0x35, 0, 1, 0x12), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 1),
        ([(0x20, 0, 0, 0), (0x45, 0, 1, 0x30), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 1),
        ([(0x20, 0, 0, 0), (0x45, 0, 1, 0x20), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 2),
        ([(0x05, 0, 0, 1), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 2),
    ],
)
def test_the_machine_runs(lines: list[tuple[int, int, int, int]], returned: int) -> None:
    assert run(_lines(*lines), _CALL) == returned


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([(0x20, 0, 0, 64), (0x06, 0, 0, 0)], "no word at 64"),
        ([(0x20, 0, 0, 2), (0x06, 0, 0, 0)], "no word at 2"),
        ([(0x28, 0, 0, 0), (0x06, 0, 0, 0)], "no code 0x28"),  # half a word
        ([(0x16, 0, 0, 0)], "no code 0x16"),  # return what was loaded
        ([(0x20, 0, 0, 0)], "no end"),
        ([(0x05, 0, 0, 9), (0x06, 0, 0, 0)], "no end"),
        ([], "no end"),
    ],
)
def test_the_machine_refuses(lines: list[tuple[int, int, int, int]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        run(_lines(*lines), _CALL)
