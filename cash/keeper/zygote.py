"""A small, single-threaded process that has everything imported: forks keepers in a millisecond.

A fork from polisd would cost 40 ms (its page tables) and take its threads' locks along. What a
keeper that is killed had started, is the zygote's from then on: it tells polisd how that ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from typing import Any, Final, NoReturn

from cash.keeper import messages
from cash.keeper.keeper import keep
from cash.keeper.processes import describe_end
from cash.walls import syscalls
from cash.walls.view import unpack_view

_PR_SET_CHILD_SUBREAPER: Final = 36


def main(descriptor: int) -> None:
    """Serves spawn requests on the socket `descriptor` until polisd closes it."""
    syscalls.prctl(_PR_SET_CHILD_SUBREAPER, 1)
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
        _serve(requests)


def _serve(requests: socket.socket) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
    ends = syscalls.signalfd((signal.SIGCHLD,))
    waiting = select.poll()
    for descriptor in (requests.fileno(), ends):
        waiting.register(descriptor, select.POLLIN)
    keepers: set[int] = set()
    while True:
        ready = {descriptor for descriptor, _ in waiting.poll()}
        if ends in ready:
            os.read(ends, 128 * 64)
            _bury(requests, keepers)
        if requests.fileno() in ready:
            try:
                values, descriptors = messages.receive_packet(requests)
            except messages.LinkEnded:
                return
            try:
                pid = os.fork()
            except OSError as fault:
                # polisd hears the link close. The next try may find room.
                print(f"no keeper could be forked: {fault}", file=sys.stderr, flush=True)
                os.close(descriptors[0])
                continue
            if pid == 0:
                os.close(ends)
                _live_as_keeper(values, descriptors[0], requests)
            keepers.add(pid)
            os.close(descriptors[0])


def _bury(requests: socket.socket, keepers: set[int]) -> None:
    """polisd hears of keepers' ends on their own links; of orphans' from here."""
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in keepers:
            keepers.discard(pid)
        else:
            with contextlib.suppress(OSError):
                values = {"pid": pid, "end": describe_end(status, usage)}
                messages.send_packet(requests, values, flags=socket.MSG_DONTWAIT)


def _live_as_keeper(values: dict[str, Any], link: int, requests: socket.socket) -> NoReturn:
    try:
        requests.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD,))
        syscalls.close_range(3, link - 1)
        syscalls.close_range(link + 1, 0x7FFFFFFF)
        owner = socket.socket(fileno=link)
        view = unpack_view(values["view"])
        keep(view, values["address"], owner, succeeds=values["succeeds"])
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)
