"""How the user's programs reach polisd: connect, start it on demand, call a verb."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
from collections.abc import Iterator
from typing import Any

from cash import wire
from cash.calling import connect_running, hear, not_running, say
from cash.faults import Fault
from cash.places import Places
from cash.silence import Silence

_START_SECONDS = 20.0
_STOP_SECONDS = 20.0


def connect(places: Places, *, start: bool = True) -> socket.socket:
    """A connection to polisd, which is started if it is not running. Fault when it cannot be."""
    endpoint = connect_running(places)
    if endpoint is not None:
        return endpoint
    if not start:
        raise not_running()
    _start(places)
    endpoint = connect_running(places)
    if endpoint is None:
        raise Fault("polisd started but does not answer", hint=f"see {places.state}/polisd.log")
    return endpoint


def _start(places: Places) -> None:
    """Starts polisd, which detaches itself and lets its starter end once it listens."""
    import subprocess  # 5 ms, which no other call shall wait for

    try:
        started = subprocess.run(
            [sys.executable, "-I", "-m", "cash.daemon"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_daemon_environment(),
            cwd="/",
            timeout=_START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Fault(
            f"polisd did not start within {_START_SECONDS:.0f} s",
            hint=f"see {places.state}/polisd.log",
        ) from None
    if started.returncode:
        reason = started.stderr.decode(errors="replace").strip().splitlines()
        raise Fault(
            f"polisd did not start: {reason[-1] if reason else 'no reason given'}",
            hint=f"see {places.state}/polisd.log",
        )


def _daemon_environment() -> dict[str, str]:
    """The caller's environment without what belongs to its terminal or to one command."""
    dropped = ("COLUMNS", "LINES", "TERM", "OLDPWD", "PWD", "SHLVL", "_")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith("GIT_")
    }


def ensure_running(places: Places) -> None:
    """Starts polisd if it is not running. Fault when it cannot be."""
    connect(places).close()


def is_running(places: Places) -> bool:
    """Whether polisd answers now; it is not started."""
    endpoint = connect_running(places)
    if endpoint is not None:
        endpoint.close()
    return endpoint is not None


def call(places: Places, verb: str, *, start: bool = True, **fields: Any) -> dict[str, Any]:
    """One verb and its reply. Raises the Fault that polisd answered with."""
    with connect(places, start=start) as endpoint:
        say(endpoint, places, verb, fields)
        Silence(places, endpoint).wait([endpoint.fileno()])
        return hear(endpoint)


def stop(places: Places) -> bool:
    """Has polisd take all walls down, and returns when it has ended; False when none was there.
    Fault when it does not end in time."""
    try:
        pid = int(call(places, "ping", start=False)["pid"])
        process = os.pidfd_open(pid)
    except (Fault, ProcessLookupError):
        return False
    try:
        with contextlib.suppress(Fault, wire.ConnectionEnded):  # it may be ending already
            call(places, "down", start=False)
        ended, _, _ = select.select([process], [], [], _STOP_SECONDS)
    finally:
        os.close(process)
    if not ended:
        raise Fault(f"polisd ({pid}) does not end", hint=f"see {places.state}/polisd.log")
    return True


def follow(places: Places, verb: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """A verb with many replies (log --follow); ends when polisd closes."""
    with connect(places) as endpoint:
        say(endpoint, places, verb, fields)
        while True:
            try:
                yield hear(endpoint)
            except wire.ConnectionEnded:
                return
