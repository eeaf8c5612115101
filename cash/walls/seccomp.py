"""A static filter: the system calls that are never right inside.

It judges numbers and plain arguments only. `make_filter` is pure; `install` is one line.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Final

from cash.walls import bpf, syscalls
from cash.walls.bpf import ALLOW, BITS, EQUAL, ERRNO, RETURN, jump, load_argument, statement

# name: (x86_64, aarch64); the reason stands where it is not plain.
_MISSING: Final = {
    # Its opens, renames and unlinks pass no seccomp filter.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # Reaches files by inode, past every mount.
    "open_by_handle_at": (304, 265),
    # Flags behind a pointer cannot be judged; C libraries fall back to clone.
    "clone3": (435, 435),
    "openat2": (437, 437),
}
_REFUSED: Final = {
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    # Other processes' memory and descriptors. Not a debugger's either: these need no tracing, so
    # what stands at its exec stop could be changed by them after it was read.
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
}
# A debugger's calls.
_DEBUGGING: Final = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "kcmp": (312, 272),
}
# Calls that give a file its mode: (x86_64, aarch64), -1 where there is none, and the mode's place.
# With idmapped mounts the owner on disk may be root, and set-uid files would be root's outside.
_MODES: Final = {
    "chmod": ((90, -1), 1),
    "fchmod": ((91, 52), 1),
    "fchmodat": ((268, 53), 2),
    "fchmodat2": ((452, 452), 2),
    "creat": ((85, -1), 1),
    "mknod": ((133, -1), 1),
    "mknodat": ((259, 33), 2),
}
# The mode counts only where a file is made: (x86_64, aarch64), the place of flags; mode is next.
_OPENS: Final = {"open": ((2, -1), 1), "openat": ((257, 56), 2)}
_MAKES: Final = 0o100 | 0o20000000  # O_CREAT, and O_TMPFILE's own bit
_SET_IDS: Final = 0o6000
_IOCTL, _SOCKET, _CLONE, _UNSHARE = (16, 29), (41, 198), (56, 220), (272, 97)
# Typing into a terminal from inside it: TIOCSTI, TIOCLINUX.
_TYPING: Final = (0x5412, 0x541C)
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others (AF_VSOCK above all) know no network namespace.
_FAMILIES: Final = (1, 2, 10, 16)


def make_filter(machine: str, *, debug: bool) -> bytes:
    """The BPF program for a machine type (platform.machine()). KeyError for an unknown one."""
    column = bpf.column_of(machine)
    refused = _REFUSED if debug else _REFUSED | _DEBUGGING
    program = [
        *bpf.prologue(machine),
        *_answer((pair[column] for pair in _MISSING.values()), errno.ENOSYS),
        *_answer((pair[column] for pair in refused.values()), errno.EPERM),
        *_refuse_values(_IOCTL[column], 1, _TYPING),
        *_refuse_bit(_CLONE[column], syscalls.CLONE_NEWUSER),
        *_refuse_bit(_UNSHARE[column], syscalls.CLONE_NEWUSER),
        *_refuse_set_ids(column),
        *_allow_only(_SOCKET[column], 0, _FAMILIES),
        statement(RETURN, ALLOW),
    ]
    return b"".join(program)


def install(program: bytes) -> None:
    """Puts the caller under the filter, for good; needs no_new_privs."""
    bpf.install(program)


def _answer(numbers: Iterable[int], error: int) -> list[bytes]:
    refusal = statement(RETURN, ERRNO | error)
    return [line for number in numbers for line in (jump(EQUAL, number, 0, 1), refusal)]


def _refuse_values(number: int, place: int, values: tuple[int, ...]) -> list[bytes]:
    body = [load_argument(place), *_answer(values, errno.EPERM)]
    return _only_for(number, body)


def _refuse_bit(number: int, bit: int) -> list[bytes]:
    body = [load_argument(0), jump(BITS, bit, 0, 1), statement(RETURN, ERRNO | errno.EPERM)]
    return _only_for(number, body)


def _refuse_set_ids(column: int) -> list[bytes]:
    """No set-uid or set-gid file comes into being."""
    refusal = [jump(BITS, _SET_IDS, 0, 1), statement(RETURN, ERRNO | errno.EPERM)]
    program = []
    for numbers, place in _MODES.values():
        if numbers[column] >= 0:
            program += _only_for(numbers[column], [load_argument(place), *refusal])
    for numbers, place in _OPENS.values():
        if numbers[column] >= 0:
            mode = [load_argument(place + 1), *refusal]
            flags = [load_argument(place), jump(BITS, _MAKES, 0, len(mode))]
            program += _only_for(numbers[column], [*flags, *mode])
    return program


def _allow_only(number: int, place: int, values: tuple[int, ...]) -> list[bytes]:
    allowed = [
        line for value in values for line in (jump(EQUAL, value, 0, 1), statement(RETURN, ALLOW))
    ]
    refusal = statement(RETURN, ERRNO | errno.EAFNOSUPPORT)
    return _only_for(number, [load_argument(place), *allowed, refusal])


def _only_for(number: int, body: list[bytes]) -> list[bytes]:
    # The body has overwritten the accumulator, so a call that passes it is allowed at once.
    body = [*body, statement(RETURN, ALLOW)]
    return [jump(EQUAL, number, 0, len(body)), *body]


def number_of(name: str, machine: str) -> int | None:
    """The number of a call that the filter refuses; None for a machine it does not know."""
    if machine not in bpf.MACHINES:
        return None
    return (_MISSING | _REFUSED | _DEBUGGING)[name][bpf.column_of(machine)]
