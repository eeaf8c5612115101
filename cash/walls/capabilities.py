"""Everything a process inside never has: capabilities, ways back to them, other groups."""

from __future__ import annotations

import contextlib
import os
import struct
from typing import Final

from cash.walls import syscalls

_PR_CAPBSET_READ: Final = 23
_PR_CAPBSET_DROP: Final = 24
_PR_SET_SECUREBITS: Final = 28
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
# NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, each with its lock, and KEEP_CAPS locked off.
_LOCKED_BITS: Final = 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80
_CAPABILITY_VERSION_3: Final = 0x20080522
_KEYCTL_JOIN_SESSION_KEYRING: Final = 1


def drop_everything(ids: tuple[int, int], *, become: bool) -> None:
    """Leaves the caller with no capability, now or after any exec.

    become: take on `ids` and drop all other groups (root mode). In a user namespace with one
    mapped gid the kernel forbids setgroups, so there the user's own groups stay.
    """
    _empty_bounding_set()
    syscalls.prctl(_PR_SET_SECUREBITS, _LOCKED_BITS)
    if become:
        uid, gid = ids
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    syscalls.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    syscalls.capset(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))
    syscalls.prctl(_PR_SET_NO_NEW_PRIVS, 1)


def leave_keyring() -> None:
    """A session keyring of the caller's own: the user's keys do not follow.

    Where keyctl is refused (a container's filter), it is refused inside as well, by ours.
    """
    with contextlib.suppress(PermissionError):
        syscalls.keyctl(_KEYCTL_JOIN_SESSION_KEYRING)


def _empty_bounding_set() -> None:
    for capability in range(64):
        try:
            held = syscalls.prctl(_PR_CAPBSET_READ, capability)
        except OSError:
            return  # past the last capability this kernel knows
        if held:
            syscalls.prctl(_PR_CAPBSET_DROP, capability)
