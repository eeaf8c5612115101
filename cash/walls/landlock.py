"""Landlock: writes only below named directories, whatever the mounts say.

One ruleset is made per walls and one process enters it; every command descends from that one, so
the commands of an agent share a domain (else `lsof` or `kill` of an earlier command's server
fails: Landlock refuses /proc/PID/fd and ptrace between sibling domains).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import Final

from cash.faults import MachineFault
from cash.walls import syscalls

# linux/landlock.h. Reads and execs are not handled: the mounts decide what is there to read.
_WRITE_FILE, _REMOVE_DIR, _REMOVE_FILE = 1 << 1, 1 << 4, 1 << 5
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK = 1 << 6, 1 << 7, 1 << 8, 1 << 9
_MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = 1 << 10, 1 << 11, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

_ONTO_FILES: Final = _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
_EVERYTHING: Final = (
    _ONTO_FILES
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_SOCK
    | _MAKE_FIFO
    | _MAKE_SYM
    | _REFER
)
_NEVER: Final = _MAKE_CHAR | _MAKE_BLOCK
# Which rights a kernel knows, by the first ABI that has them.
_SINCE: Final = ((3, _TRUNCATE), (5, _IOCTL_DEV))
# LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and _SIGNAL (ABI 6).
_SCOPES: Final = 1 | 2
# Before ABI 2, a domain may not move a file from one directory to another: git could not work.
LEAST_ABI: Final = 2
_PATH_BENEATH: Final = 1
_GET_VERSION: Final = 1


def landlock_abi() -> int:
    """The kernel's Landlock ABI, 0 when it has none or it is switched off."""
    try:
        return syscalls.landlock_create_ruleset(None, _GET_VERSION)
    except OSError:
        return 0


def make_ruleset(folders: Iterable[str], files_below: Iterable[str]) -> int:
    """A ruleset descriptor: everything below `folders`, plain writing to what exists below
    `files_below`, no other write. MachineFault when this kernel cannot."""
    abi = landlock_abi()
    if abi < LEAST_ABI:
        raise MachineFault(
            f"this kernel's Landlock cannot guard an agent (ABI {abi}, {LEAST_ABI} is needed)",
            hint="boot Linux 5.19 or newer with landlock in its lsm= list",
        )
    handled = _known(_EVERYTHING | _NEVER, abi)
    ruleset = syscalls.landlock_create_ruleset(_ruleset_attributes(handled, abi))
    for folder in folders:
        _allow(ruleset, folder, handled & ~_NEVER)
    for folder in files_below:
        _allow(ruleset, folder, _known(_ONTO_FILES, abi))
    return ruleset


def enter_domain(ruleset: int) -> None:
    """Puts the caller and its descendants under `ruleset`; needs no_new_privs."""
    syscalls.landlock_restrict_self(ruleset)


def _known(rights: int, abi: int) -> int:
    for first, right in _SINCE:
        if abi < first:
            rights &= ~right
    return rights


def _ruleset_attributes(handled: int, abi: int) -> bytes:
    if abi >= 6:
        return struct.pack("=QQQ", handled, 0, _SCOPES)
    return struct.pack("=QQ", handled, 0) if abi >= 4 else struct.pack("=Q", handled)


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, descriptor)
        syscalls.landlock_add_rule(ruleset, _PATH_BENEATH, rule)
    finally:
        os.close(descriptor)
