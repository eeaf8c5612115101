"""Packets with descriptors. Python's send_fds and recv_fds drop their flags before 3.12."""

from __future__ import annotations

import array
import socket
from collections.abc import Sequence


def send_with(
    link: socket.socket, data: bytes, descriptors: Sequence[int] = (), *, flags: int = 0
) -> None:
    """One sendmsg; the other side gets copies of the descriptors."""
    rights = array.array("i", descriptors)
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
    link.sendmsg([data], ancillary, flags)


def receive_with(
    link: socket.socket, longest: int, most: int, *, flags: int = 0
) -> tuple[bytes, list[int]]:
    """One recvmsg: data (b"" at the end) and descriptors, close-on-exec, the caller's to close."""
    rights = array.array("i")
    space = socket.CMSG_SPACE(most * rights.itemsize)
    flags |= socket.MSG_CMSG_CLOEXEC
    data, ancillary, _, _ = link.recvmsg(longest, space, flags)
    for level, kind, body in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            rights.frombytes(body[: len(body) - len(body) % rights.itemsize])
    return data, rights.tolist()
