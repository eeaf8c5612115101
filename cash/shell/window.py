"""The client in an agent's window: asks polisd what to run, runs it there, tells how it ended.

python -m cash.shell.window SESSION
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from cash.daemon.client import call
from cash.faults import FAILED_CLOSED, Fault
from cash.places import Places, find_places
from cash.shell.client import run
from cash.wire import ConnectionEnded


def main(number: str) -> int:
    """Runs the session of that id; the status of its program."""
    places = find_places(os.environ)
    try:
        launch = call(places, "session.launch", start=False, number=number)
        status = _run(places, number, launch)
    except Fault as fault:
        print(f"polis: {fault.message}", file=sys.stderr)
        if fault.hint:
            print(f"hint: {fault.hint}", file=sys.stderr)
        status = fault.status
    except ConnectionEnded:
        status = FAILED_CLOSED
    # polisd may be away just now; the journal has the end in any case.
    with contextlib.suppress(Fault, ConnectionEnded, OSError):
        call(places, "session.ended", start=False, number=number, status=status)
    return status


def _run(places: Places, number: str, launch: dict[str, Any]) -> int:
    if launch["given"] is not None:
        _give(_encode(launch["given"]))

    def begun(command: str) -> None:
        with contextlib.suppress(Fault, ConnectionEnded, OSError):
            call(places, "session.begun", start=False, number=number, command=command)

    return run(
        places,
        launch["agent"],
        "argv",
        [_encode(word) for word in launch["argv"]],
        environment=[_encode(entry) for entry in launch["environment"]],
        begun=begun,
        dies=False,
    )


def _give(data: bytes) -> None:
    """The program's standard input, which then ends."""
    descriptor = os.memfd_create("given", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "r+b") as file:
        file.write(data)
        file.seek(0)
        os.dup2(descriptor, 0)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _end(argv: Sequence[str]) -> int:
    # tmux ignores it, and a program inherits that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    return main(argv[1])


if __name__ == "__main__":
    sys.exit(_end(sys.argv))
