"""A system call that waits for the keeper's word: seccomp's user notifications.

The numbers and layouts are those of linux/seccomp.h: the same on every architecture.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from typing import Final, NamedTuple

_RECEIVE: Final = 0xC0502100
_SEND: Final = 0xC0182101
_IS_VALID: Final = 0x40082102
_NUMBER: Final = struct.Struct("=Q")
_ADD_DESCRIPTOR: Final = 0x40182103
_NOTIFICATION: Final = struct.Struct("=QII iIQ6Q")
SIZE: Final = _NOTIFICATION.size
EMPTY: Final = bytes(SIZE)
# Up to 1,024 bytes, fcntl.ioctl has the kernel write to a copy.
ROOM: Final = 1032
_RESPONSE: Final = struct.Struct("=QqiI")
_DESCRIPTOR: Final = struct.Struct("=QIIII")
_CONTINUE: Final = 1
_NOBODY: Final = (errno.ENOENT, errno.EINPROGRESS, errno.EBADF, errno.ENOTTY)
_AT_NUMBER = 1


class Notification(NamedTuple):
    """One call of one thread. tid: the thread, as the keeper counts; call: its number; raw: as
    the kernel tells it."""

    id: int
    tid: int
    call: int
    arguments: tuple[int, ...]
    raw: bytes


def receive(listener: int, buffer: memoryview) -> Notification | None:
    """The next call that waits, or None: its caller died before we came. buffer: which the kernel
    itself writes it to, ROOM bytes; it refuses one that does not begin with EMPTY."""
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer, True)
    except OSError as fault:
        if fault.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
            return None
        raise
    return unpack(bytes(buffer[:SIZE]))


def unpack(raw: bytes) -> Notification:
    """A call that was received before."""
    fields = _NOTIFICATION.unpack(raw)
    return Notification(fields[0], fields[1], fields[3], fields[6:], raw)


def is_waiting(listener: int, number: int) -> bool:
    """Whether the call still waits. What was read of its thread before is the thread's own only
    then: a dead thread's number is given to others."""
    try:
        fcntl.ioctl(listener, _IS_VALID, _NUMBER.pack(number))
    except OSError:
        return False
    return True


def let_go_on(listener: int, number: int) -> bool:
    """The kernel does the call as it was asked for; False when its caller has died."""
    return _answer(listener, _SEND, _RESPONSE.pack(number, 0, 0, _CONTINUE))


def fail(listener: int, number: int, error: int) -> bool:
    """The call fails with an errno; False when its caller has died."""
    return _answer(listener, _SEND, _RESPONSE.pack(number, 0, -error, 0))


def give_as(listener: int, number: int, descriptor: int, wanted: int) -> None:
    """Puts a copy of `descriptor` into the caller under the number `wanted`; it outlives the
    caller's exec. OSError."""
    packed = _DESCRIPTOR.pack(number, _AT_NUMBER, descriptor, wanted, 0)
    fcntl.ioctl(listener, _ADD_DESCRIPTOR, packed)


def answer_with(listener: int, number: int, descriptor: int, *, keep_on_exec: bool) -> bool:
    """The call returns a copy of `descriptor`; False when its caller has died.

    In two steps, though the kernel has one for both (SECCOMP_ADDFD_FLAG_SEND): that marks the call
    as answered before the caller has its descriptor, and of a keeper that is killed in between the
    caller hears 0. It goes on with its standard input for a file: a git so killed renamed an empty
    index into place (1 of 16 kills of a keeper under git's work)."""
    flags = 0 if keep_on_exec else 0o2000000
    packed = bytearray(_DESCRIPTOR.pack(number, 0, descriptor, 0, flags))
    try:
        # Of a buffer that can be changed alone ioctl(2)'s own answer is told: the number there.
        given = fcntl.ioctl(listener, _ADD_DESCRIPTOR, packed, True)
    except OSError as fault:
        if fault.errno in _NOBODY:
            return False
        raise
    return _answer(listener, _SEND, _RESPONSE.pack(number, given, 0, 0))


def _answer(listener: int, request: int, packed: bytes) -> bool:
    """False when nobody waits for it any more, or the listener itself is closed by now."""
    try:
        fcntl.ioctl(listener, request, packed)
    except OSError as fault:
        if fault.errno in _NOBODY:
            return False
        raise
    return True
