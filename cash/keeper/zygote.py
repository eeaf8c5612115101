"""A small, single-threaded process that has everything imported: forks keepers in a millisecond.

A fork from polisd would cost 40 ms (its page tables) and take its threads' locks along.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from cash.keeper import messages
from cash.keeper.keeper import keep
from cash.walls import syscalls
from cash.walls.view import unpack_view


def main(descriptor: int) -> None:
    """Serves spawn requests on the socket `descriptor` until polisd closes it."""
    # Keepers are not waited for: polisd hears of their end on their own links.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # polisd's own is stricter: the folders inside would be closed to the agent's uid, and what its
    # commands make would be to everyone else's tools outside.
    os.umask(0o022)
    # Loaded once for all keepers; a policy without regular expressions needs it not.
    with contextlib.suppress(ImportError):
        import re2  # noqa: F401
    # What exists now never changes: keep the collector from touching its pages in every fork.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as requests:
        while True:
            try:
                values, descriptors = messages.receive_packet(requests)
            except messages.LinkEnded:
                return
            if os.fork() == 0:
                _live_as_keeper(values, descriptors[0], requests)
            os.close(descriptors[0])


def _live_as_keeper(values: dict[str, Any], link: int, requests: socket.socket) -> NoReturn:
    try:
        requests.close()
        syscalls.close_range(3, link - 1)
        syscalls.close_range(link + 1, 0x7FFFFFFF)
        keep(unpack_view(values["view"]), values["address"], socket.socket(fileno=link))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)
