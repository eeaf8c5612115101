"""The filter, run by a small BPF machine: what each call gets."""

from __future__ import annotations

import errno

import pytest
from bpf import ALLOW, ARCHITECTURES, I386, KILL, answer_error, ask, pack_call, run

from cash.walls import bpf, seccomp
from cash.walls.seccomp import make_filter, number_of

_MACHINES = tuple(ARCHITECTURES)
_EPERM, _ENOSYS = answer_error(errno.EPERM), answer_error(errno.ENOSYS)


@pytest.mark.parametrize(
    ("number", "arguments", "answer"),
    [
        (0, (), ALLOW),  # read
        (59, (), ALLOW),  # execve
        (257, (), ALLOW),  # openat
        (425, (), _ENOSYS),  # io_uring_setup
        (435, (), _ENOSYS),  # clone3
        (101, (), _EPERM),  # ptrace
        (165, (), _EPERM),  # mount
        (16, (0, 0x5401), ALLOW),  # ioctl TCGETS
        (16, (0, 0x5412), _EPERM),  # ioctl TIOCSTI
        (16, (0, 0x1_0000_5412), _EPERM),  # the kernel looks at the low half only
        (16, (0x5412, 0), ALLOW),
        (41, (1,), ALLOW),
        (41, (2,), ALLOW),
        (41, (10,), ALLOW),
        (41, (16,), ALLOW),
        (41, (40,), answer_error(errno.EAFNOSUPPORT)),  # AF_VSOCK
        (56, (0x11,), ALLOW),
        (56, (0x10000011,), _EPERM),
        (272, (0x20000,), ALLOW),  # without capabilities the kernel itself refuses
        (272, (0x10020000,), _EPERM),
        (437, (), _ENOSYS),  # openat2: its mode lies behind a pointer
        (90, (0, 0o755), ALLOW),  # chmod
        (90, (0, 0o4755), _EPERM),
        (91, (3, 0o2755), _EPERM),  # fchmod
        (268, (3, 0, 0o1777), ALLOW),  # fchmodat
        (268, (3, 0, 0o6755), _EPERM),
        (452, (3, 0, 0o4755, 0), _EPERM),  # fchmodat2
        (85, (0, 0o4755), _EPERM),  # creat
        (133, (0, 0o104755, 0), _EPERM),  # mknod
        (259, (3, 0, 0o104755, 0), _EPERM),  # mknodat
        (2, (0, 0o100, 0o4755), _EPERM),  # open(O_CREAT)
        (2, (0, 0o100, 0o755), ALLOW),
        (2, (0, 0, 0o4755), ALLOW),  # without O_CREAT the mode is whatever was in the register
        (257, (3, 0, 0o101, 0o2755), _EPERM),  # openat
        (257, (3, 0, 0o20200002, 0o4755), _EPERM),  # openat(O_TMPFILE)
        (257, (3, 0, 0, 0o7777), ALLOW),
        (0x40000000 | 59, (), KILL),  # x32
    ],
)
def test_answers(number: int, arguments: tuple[int, ...], answer: int) -> None:
    assert ask(make_filter("x86_64", debug=False), "x86_64", number, arguments) == answer


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("machine", _MACHINES)
def test_exactly_what_the_tables_name_is_refused(machine: str, debug: bool) -> None:
    column = bpf.column_of(machine)
    tables = [(seccomp._MISSING, _ENOSYS), (seccomp._REFUSED, _EPERM)]
    tables += [] if debug else [(seccomp._DEBUGGING, _EPERM)]
    refused = {numbers[column]: answer for table, answer in tables for numbers in table.values()}
    program = make_filter(machine, debug=debug)
    # AF_UNIX is a family, and no call is refused for zeroes beside it.
    found = {number: ask(program, machine, number, (1,)) for number in range(601)}
    assert {number: answer for number, answer in found.items() if answer != ALLOW} == refused


@pytest.mark.parametrize("machine", _MACHINES)
def test_modes_that_set_ids_are_refused(machine: str) -> None:
    column, program = bpf.column_of(machine), make_filter(machine, debug=False)
    for numbers, place in seccomp._MODES.values():
        for mode, answer in ((0o4755, _EPERM), (0o2755, _EPERM), (0o1777, ALLOW)):
            if numbers[column] >= 0:
                assert ask(program, machine, numbers[column], (*[0] * place, mode)) == answer
    for numbers, place in seccomp._OPENS.values():
        for flags, answer in ((0o100, _EPERM), (0o20000002, _EPERM), (0o1, ALLOW)):
            if numbers[column] >= 0:
                call = (*[0] * place, flags, 0o4755)
                assert ask(program, machine, numbers[column], call) == answer


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("machine", _MACHINES)
def test_foreign_calls_are_killed(machine: str, debug: bool) -> None:
    program = make_filter(machine, debug=debug)
    for architecture in {*ARCHITECTURES.values(), I386, 0} - {ARCHITECTURES[machine]}:
        for number in (0, 11, 63, 425):  # 11: execve by int 0x80
            assert run(program, pack_call(number, architecture=architecture)) == KILL
    for number in (0, 59, 425, 520):
        assert ask(program, machine, 0x40000000 | number) == KILL


def test_debugging_is_a_choice() -> None:
    for name in ("ptrace", "process_vm_readv", "kcmp"):
        number = number_of(name, "x86_64")
        assert number is not None
        assert ask(make_filter("x86_64", debug=True), "x86_64", number) == ALLOW
        assert ask(make_filter("x86_64", debug=False), "x86_64", number) == _EPERM


def test_what_changes_others_without_tracing_them_is_no_debuggers_either() -> None:
    for name in ("process_vm_writev", "pidfd_getfd"):
        number = number_of(name, "x86_64")
        assert number is not None
        assert ask(make_filter("x86_64", debug=True), "x86_64", number) == _EPERM


@pytest.mark.parametrize(
    ("number", "arguments", "answer"),
    [
        (117, (), _EPERM),  # ptrace
        (101, (), ALLOW),  # nanosleep, ptrace's number elsewhere
        (29, (0, 0x5412), _EPERM),  # ioctl TIOCSTI
        (29, (0, 0x541C), _EPERM),  # ioctl TIOCLINUX
        (29, (0, 0x5401), ALLOW),
        (198, (40,), answer_error(errno.EAFNOSUPPORT)),  # socket(AF_VSOCK)
        (198, (1,), ALLOW),
        (220, (0x10000011,), _EPERM),  # clone(CLONE_NEWUSER)
        (97, (0x10020000,), _EPERM),  # unshare
        (53, (3, 0, 0o4755), _EPERM),  # fchmodat
        (56, (3, 0, 0o101, 0o4755), _EPERM),  # openat
        (56, (3, 0, 0, 0o4755), ALLOW),
    ],
)
def test_the_other_machine(number: int, arguments: tuple[int, ...], answer: int) -> None:
    assert ask(make_filter("aarch64", debug=False), "aarch64", number, arguments) == answer


@pytest.mark.parametrize("machine", _MACHINES)
def test_the_kernel_takes_programs_of_that_length(machine: str) -> None:
    assert len(make_filter(machine, debug=False)) // 8 < 4096


def test_an_unknown_machine_is_an_error() -> None:
    with pytest.raises(KeyError, match="riscv64"):
        make_filter("riscv64", debug=False)
    assert number_of("ptrace", "riscv64") is None
