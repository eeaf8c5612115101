"""The filter by which a keeper sees the execs and, where asked, the writes of an agent's processes.

A trapped call sleeps until whoever holds the listener answers it. `make_trap` is pure.

What no number and no argument shows is not trapped: writes through descriptors (their open was
judged), writes to shared memory, a socket's file made by bind, flags set by ioctl. openat2 keeps
its flags behind a pointer and io_uring passes every filter: cash/walls/seccomp.py refuses both.
"""

from __future__ import annotations

import errno
from typing import Final

from cash.walls import bpf, syscalls

# name: (x86_64, aarch64), -1 where the machine has no such call.
EXECS: Final = {"execve": (59, 221), "execveat": (322, 281)}
OPENS: Final = {"open": (2, -1), "openat": (257, 56)}
WRITES: Final = {
    "creat": (85, -1),
    "truncate": (76, 45),  # not ftruncate: it takes a descriptor that was opened for writing
    "rename": (82, -1),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, -1),
    "unlinkat": (263, 35),
    "rmdir": (84, -1),
    "link": (86, -1),
    "linkat": (265, 37),
    "symlink": (88, -1),
    "symlinkat": (266, 36),
    "mkdir": (83, -1),
    "mkdirat": (258, 34),
    "mknod": (133, -1),
    "mknodat": (259, 33),
    "chmod": (90, -1),
    # What lies in an inode is changed through a descriptor open for reading too, and such an
    # open is not trapped: so fchmod, fchown, fsetxattr and fremovexattr are.
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "utime": (132, -1),
    "utimes": (235, -1),
    "futimesat": (261, -1),
    "utimensat": (280, 88),  # futimens as well: no path, and the descriptor in its place
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
}
_CALLS: Final = EXECS | OPENS | WRITES
_NAMES: Final = {
    machine: {
        numbers[bpf.column_of(machine)]: name
        for name, numbers in _CALLS.items()
        if numbers[bpf.column_of(machine)] >= 0
    }
    for machine in bpf.MACHINES
}
_CLONE: Final = (56, 220)
# Which argument of an open is its flags.
_FLAGS: Final = {"open": 1, "openat": 2}
# O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and __O_TMPFILE, the same on both machines. O_DIRECTORY,
# O_NOFOLLOW, O_DIRECT and O_LARGEFILE are not: aarch64 has them at 32-bit ARM's places. So no
# mask of whole flags, and not O_TMPFILE, which contains O_DIRECTORY.
_WRITING: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000
_NEW_LISTENER, _WAIT_KILLABLE_RECV = 8, 32


def make_trap(machine: str, *, writes: bool) -> bytes:
    """The BPF program for a machine type (platform.machine()). KeyError for an unknown one.

    The kernel notes at load time which numbers are allowed whatever their arguments, and never
    runs the program for them (Linux 5.11). It runs for opens, so their way should be short.
    """
    column = bpf.column_of(machine)
    answers = {
        numbers[column]: _trap(name)
        for name, numbers in (_CALLS if writes else EXECS).items()
        if numbers[column] >= 0
    }
    answers[_CLONE[column]] = _refuse_siblings()
    allow = [bpf.statement(bpf.RETURN, bpf.ALLOW)]
    return b"".join([*bpf.prologue(machine), *bpf.choose(answers, allow)])


def _trap(name: str) -> list[bytes]:
    notify = bpf.statement(bpf.RETURN, bpf.NOTIFY)
    if name not in _FLAGS:
        return [notify]
    return [
        bpf.load_argument(_FLAGS[name]),
        bpf.jump(bpf.BITS, _WRITING, 1, 0),
        bpf.statement(bpf.RETURN, bpf.ALLOW),
        notify,
    ]


def _refuse_siblings() -> list[bytes]:
    """A command's first process is its keeper's child: what it clones as its own sibling would be
    too, and nobody there waits for that. (clone3 does not exist inside: cash/walls/seccomp.py.)"""
    return [
        bpf.load_argument(0),
        bpf.jump(bpf.BITS, syscalls.CLONE_PARENT, 0, 1),
        bpf.statement(bpf.RETURN, bpf.ERRNO | errno.EINVAL),
        bpf.statement(bpf.RETURN, bpf.ALLOW),
    ]


def name_of(number: int, machine: str) -> str | None:
    """The name of a call that may be trapped; None for others. KeyError for an unknown machine."""
    return _NAMES[machine].get(number)


def install_trap(program: bytes) -> int:
    """Puts the caller under the trap, for good, and returns the listener, close-on-exec.

    Needs no_new_privs. OSError EBUSY when a listener watches the caller already: a process has
    one at most, and what it starts cannot have another.
    """
    # Without WAIT_KILLABLE_RECV a signal makes a call that is being judged return EINTR, which
    # programs do not expect of open or rename. So no trap rather than one without it.
    try:
        return bpf.install(program, _NEW_LISTENER | _WAIT_KILLABLE_RECV)
    except OSError as fault:
        if fault.errno != errno.EINVAL:
            raise
        words = "seccomp: no listener that only death interrupts; Linux 5.19 or newer is needed"
        raise OSError(errno.EINVAL, words) from fault
