"""The filter, run by a small BPF machine: what each call gets."""

from __future__ import annotations

import struct

import pytest

from cash.walls.seccomp import make_filter, number_of

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_X86, _ARM = 0xC000003E, 0xC00000B7


def _judge(program: bytes, number: int, arguments: tuple[int, ...] = (), arch: int = _X86) -> int:
    words = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    lines = list(struct.iter_unpack("=HBBI", program))
    at, value = 0, 0
    while True:
        code, when, otherwise, k = lines[at]
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, k)
            case 0x15:
                at += when if value == k else otherwise
            case 0x35:
                at += when if value >= k else otherwise
            case 0x45:
                at += when if value & k else otherwise
            case 0x06:
                return int(k)
            case _:
                raise AssertionError(f"code {code:#x}")


@pytest.mark.parametrize(
    ("number", "arguments", "answer"),
    [
        (0, (), _ALLOW),  # read
        (59, (), _ALLOW),  # execve
        (257, (), _ALLOW),  # openat
        (425, (), 0x50000 | 38),  # io_uring_setup
        (435, (), 0x50000 | 38),  # clone3
        (101, (), 0x50000 | 1),  # ptrace
        (165, (), 0x50000 | 1),  # mount
        (16, (0, 0x5401), _ALLOW),  # ioctl TCGETS
        (16, (0, 0x5412), 0x50000 | 1),  # ioctl TIOCSTI
        (16, (0, 0x1_0000_5412), 0x50000 | 1),  # the kernel looks at the low half only
        (16, (0x5412, 0), _ALLOW),
        (41, (1,), _ALLOW),
        (41, (2,), _ALLOW),
        (41, (10,), _ALLOW),
        (41, (16,), _ALLOW),
        (41, (40,), 0x50000 | 97),  # AF_VSOCK
        (56, (0x11,), _ALLOW),
        (56, (0x10000011,), 0x50000 | 1),
        (272, (0x20000,), _ALLOW),  # without capabilities the kernel itself refuses
        (272, (0x10020000,), 0x50000 | 1),
        (437, (), 0x50000 | 38),  # openat2: its mode lies behind a pointer
        (90, (0, 0o755), _ALLOW),  # chmod
        (90, (0, 0o4755), 0x50000 | 1),
        (91, (3, 0o2755), 0x50000 | 1),  # fchmod
        (268, (3, 0, 0o1777), _ALLOW),  # fchmodat
        (268, (3, 0, 0o6755), 0x50000 | 1),
        (452, (3, 0, 0o4755, 0), 0x50000 | 1),  # fchmodat2
        (85, (0, 0o4755), 0x50000 | 1),  # creat
        (133, (0, 0o104755, 0), 0x50000 | 1),  # mknod
        (259, (3, 0, 0o104755, 0), 0x50000 | 1),  # mknodat
        (2, (0, 0o100, 0o4755), 0x50000 | 1),  # open(O_CREAT)
        (2, (0, 0o100, 0o755), _ALLOW),
        (2, (0, 0, 0o4755), _ALLOW),  # without O_CREAT the mode is whatever was in the register
        (257, (3, 0, 0o101, 0o2755), 0x50000 | 1),  # openat
        (257, (3, 0, 0o20200002, 0o4755), 0x50000 | 1),  # openat(O_TMPFILE)
        (257, (3, 0, 0, 0o7777), _ALLOW),
        (0x40000000 | 59, (), _KILL),  # x32
    ],
)
def test_answers(number: int, arguments: tuple[int, ...], answer: int) -> None:
    assert _judge(make_filter("x86_64", debug=False), number, arguments) == answer


def test_foreign_machines_are_killed() -> None:
    for foreign in (0x40000003, _ARM, 0):  # i386 among them
        assert _judge(make_filter("x86_64", debug=False), 0, arch=foreign) == _KILL
    assert _judge(make_filter("aarch64", debug=False), 63, arch=_X86) == _KILL


def test_debugging_is_a_choice() -> None:
    for name in ("ptrace", "process_vm_readv", "pidfd_getfd"):
        number = number_of(name, "x86_64")
        assert number is not None
        assert _judge(make_filter("x86_64", debug=True), number) == _ALLOW
        assert _judge(make_filter("x86_64", debug=False), number) == 0x50000 | 1


def test_the_other_machine() -> None:
    program = make_filter("aarch64", debug=False)
    assert _judge(program, 117, arch=_ARM) == 0x50000 | 1  # ptrace
    assert _judge(program, 101, arch=_ARM) == _ALLOW  # nanosleep, ptrace's number elsewhere
    assert _judge(program, 29, (0, 0x5412), arch=_ARM) == 0x50000 | 1
    assert _judge(program, 53, (3, 0, 0o4755), arch=_ARM) == 0x50000 | 1  # fchmodat
    assert _judge(program, 56, (3, 0, 0o101, 0o4755), arch=_ARM) == 0x50000 | 1  # openat
    assert len(program) // 8 < 4096


def test_an_unknown_machine_is_an_error() -> None:
    with pytest.raises(ValueError, match="riscv64"):
        make_filter("riscv64", debug=False)
