"""The kernel's calls that Python 3.11 has no name for: wrappers of a few lines, raising OSError.

One process, one thread: keepers and what they fork may use these; polisd must not, but for openat2.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
from collections.abc import Iterable

# Numbers below 424 differ between machines; those above are the same everywhere.
_MACHINES = {
    "x86_64": {
        "clone": 56,
        "pivot_root": 155,
        "keyctl": 250,
        "seccomp": 317,
        "signalfd4": 289,
        "renameat2": 316,
        "tgkill": 234,
    },
    "aarch64": {
        "clone": 220,
        "pivot_root": 41,
        "keyctl": 219,
        "seccomp": 277,
        "signalfd4": 74,
        "renameat2": 276,
        "tgkill": 131,
    },
}
MACHINE = platform.machine()
_OPEN_TREE, _MOVE_MOUNT, _CLOSE_RANGE, _OPENAT2, _PIDFD_GETFD = 428, 429, 436, 437, 438
_MOUNT_SETATTR, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 442, 444, 445, 446

CLONE_PIDFD, CLONE_PARENT = 0x1000, 0x8000
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x20000, 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x8000000, 1 << 28, 1 << 29, 1 << 30

AT_EMPTY_PATH, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW = 0x1000, 0x8000, 0x100
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH = 1, 4, 0x40
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 2, 4, 8, 16
_CLOEXEC = os.O_CLOEXEC

# GIL kept (PyDLL): a clone returns into the same Python state in both processes.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _fail(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _syscall(what: str, number: int, *arguments: int | bytes | object) -> int:
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise _fail(what)
    return result


def _number(name: str) -> int:
    if MACHINE not in _MACHINES:
        raise OSError(38, f"no system call table for {MACHINE}")
    return _MACHINES[MACHINE][name]


def clone(flags: int = 0) -> tuple[int, int]:
    """Forks with clone(2) flags: (pid, pidfd) in the parent, (0, -1) in the child.

    The pid is counted in the caller's namespace. Single-threaded callers only: Python's own
    fork handlers do not run.
    """
    pidfd = ctypes.c_int(-1)
    flags |= CLONE_PIDFD | signal.SIGCHLD
    pid = _syscall("clone", _number("clone"), flags, 0, ctypes.byref(pidfd), 0, 0)
    return (pid, pidfd.value) if pid else (0, -1)


def setns(descriptor: int, flags: int) -> None:
    """Joins the namespaces in `flags` of a process (pidfd) or namespace file."""
    if _libc.setns(descriptor, flags) < 0:
        raise _fail("setns")


def unshare(flags: int) -> None:
    """Leaves the namespaces in `flags` for new ones."""
    if _libc.unshare(flags) < 0:
        raise _fail("unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2)."""
    words = (os.fsencode(text) for text in (source, target, kind))
    if _libc.mount(*words, ctypes.c_ulong(flags), options.encode()) < 0:
        raise _fail(f"mount {kind or 'none'} at {target}")


def unmount(target: str, flags: int) -> None:
    """umount2(2)."""
    if _libc.umount2(os.fsencode(target), flags) < 0:
        raise _fail(f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2)."""
    _syscall("pivot_root", _number("pivot_root"), os.fsencode(new), os.fsencode(old))


def open_tree(path: str, *, recursive: bool) -> int:
    """A detached copy of the mount at `path`, as a descriptor."""
    flags = OPEN_TREE_CLONE | _CLOEXEC | AT_SYMLINK_NOFOLLOW | (AT_RECURSIVE if recursive else 0)
    return _syscall(f"open_tree {path}", _OPEN_TREE, -100, os.fsencode(path), flags)


def move_mount(tree: int, target: int) -> None:
    """Attaches a detached mount on the directory or file open as `target`."""
    flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
    _syscall("move_mount", _MOVE_MOUNT, tree, b"", target, b"", flags)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def mount_setattr(
    tree: int, attributes: int, *, recursive: bool = False, user_namespace: int = 0
) -> None:
    """Adds MOUNT_ATTR_* to the mount open as `tree` (or below it, with `recursive`)."""
    words = _MountAttributes(attributes, 0, 0, user_namespace)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    size = ctypes.sizeof(words)
    _syscall("mount_setattr", _MOUNT_SETATTR, tree, b"", flags, ctypes.byref(words), size)


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


_OPENAT2_LONG, _HOW_SIZE = ctypes.c_long(_OPENAT2), ctypes.c_size_t(ctypes.sizeof(_OpenHow))


def openat2(folder: int, path: str | bytes, flags: int, resolve: int) -> int:
    """openat2(2): `path` below the directory `folder`, resolved under RESOLVE_* rules."""
    how = _OpenHow(flags | _CLOEXEC, 0, resolve)
    name = path if isinstance(path, bytes) else os.fsencode(path)
    found: int = _libc.syscall(_OPENAT2_LONG, folder, name, ctypes.byref(how), _HOW_SIZE)
    if found < 0:
        raise _fail(f"openat2 {os.fsdecode(path)}")
    return found


def pidfd_getfd(pidfd: int, number: int) -> int:
    """pidfd_getfd(2): a copy of another process's descriptor, close-on-exec."""
    return _syscall("pidfd_getfd", _PIDFD_GETFD, pidfd, number, 0)


def rename_new(folder: int, name: str, other_folder: int, other: str) -> None:
    """renameat2(2) to a name that nothing has; FileExistsError when something does."""
    words = (folder, os.fsencode(name), other_folder, os.fsencode(other), 1)  # RENAME_NOREPLACE
    _syscall(f"rename {name}", _number("renameat2"), *words)


def close_range(first: int, last: int) -> None:
    """Closes every descriptor from `first` to `last`, both included."""
    if first <= last:
        _syscall("close_range", _CLOSE_RANGE, first, last, 0)


def prctl(option: int, *values: int) -> int:
    """prctl(2) with up to four numbers."""
    words = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    result: int = _libc.prctl(option, *words)
    if result < 0:
        raise _fail(f"prctl {option}")
    return result


def name_process(name: bytes) -> None:
    """What /proc/PID/comm says; up to 15 bytes."""
    text = ctypes.create_string_buffer(name)
    prctl(15, ctypes.addressof(text))  # PR_SET_NAME


def capset(header: bytes, data: bytes) -> None:
    """capset(2) with packed version-3 structures."""
    if _libc.capset(header, data) < 0:
        raise _fail("capset")


def seccomp(operation: int, flags: int, program: bytes) -> int:
    """seccomp(2) with a packed sock_fprog."""
    return _syscall("seccomp", _number("seccomp"), operation, flags, program)


_ptrace = ctypes.PyDLL(None, use_errno=True).ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def ptrace(request: int, pid: int, address: int = 0, data: int | object = 0) -> None:
    """ptrace(2), of the requests that answer nothing. data: a number, or a ctypes reference to what
    is read or written."""
    if _ptrace(request, pid, address, data) < 0:
        raise _fail("ptrace")


class _Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


_libc.process_vm_readv.restype = ctypes.c_ssize_t


def read_memory(pid: int, address: int, size: int) -> bytes:
    """process_vm_readv(2) of one piece of another process. OSError."""
    buffer = (ctypes.c_char * size)()
    here = _Span(ctypes.addressof(buffer), size)
    there = _Span(address, size)
    count = _libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    if count < 0:
        raise _fail("process_vm_readv")
    return buffer.raw[:count]


def is_first(tid: int) -> bool:
    """Whether a thread is the first of its process: by tgkill(2) without a signal, a fifth of what
    a pidfd takes."""
    found = _libc.syscall(_number("tgkill"), tid, tid, 0)
    return found == 0 or ctypes.get_errno() != errno.ESRCH


def signalfd(signals: Iterable[int]) -> int:
    """A descriptor that is readable while one of the (blocked) signals waits; never blocking."""
    mask = ctypes.c_uint64(sum(1 << (number - 1) for number in signals))
    flags = os.O_NONBLOCK | os.O_CLOEXEC
    return _syscall("signalfd", _number("signalfd4"), -1, ctypes.byref(mask), 8, flags)


def keyctl(operation: int, argument: int = 0) -> int:
    """keyctl(2) with one argument."""
    return _syscall("keyctl", _number("keyctl"), operation, argument, 0, 0, 0)


def landlock_create_ruleset(attributes: bytes | None, flags: int = 0) -> int:
    """A ruleset descriptor; with None and flags 1, the ABI version."""
    size = len(attributes) if attributes else 0
    words = attributes if attributes else 0
    return _syscall("landlock_create_ruleset", _LANDLOCK_CREATE, words, size, flags)


def landlock_add_rule(ruleset: int, kind: int, attributes: bytes) -> None:
    """Adds one packed rule."""
    _syscall("landlock_add_rule", _LANDLOCK_ADD, ruleset, kind, attributes, 0)


def landlock_restrict_self(ruleset: int) -> None:
    """Puts the caller under `ruleset`, for good."""
    _syscall("landlock_restrict_self", _LANDLOCK_RESTRICT, ruleset, 0)


def set_file_ids(uid: int, gid: int) -> None:
    """setfsgid(2), setfsuid(2): whose files are made from here on."""
    _libc.setfsgid(gid)
    _libc.setfsuid(uid)
