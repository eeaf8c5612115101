"""A polisd that says nothing: whether it is at work, stands still or hangs, and what mends that."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
from collections.abc import Sequence
from typing import Final

from cash import wire
from cash.calling import read_token
from cash.places import Places

# How long it may say nothing before it is asked whether it is there, and then to answer that;
# how soon one that did is asked again.
_PATIENCE: Final = 3.0
_ANSWER: Final = 2.0
_AGAIN: Final = 5.0


class Silence:
    """Waits for polisd's first word on a connection. Raising walls takes it seconds, in which it
    says nothing; but one that lives answers another call at once."""

    def __init__(self, places: Places, connection: socket.socket) -> None:
        self._places = places
        self._connection = connection
        self._probe: socket.socket | None = None
        self._patience: float | None = _PATIENCE

    def wait(self, reading: Sequence[int], writing: Sequence[int] = ()) -> list[int]:
        """Which of them are ready, as select(2) tells. Where polisd does not answer, that is said
        once on standard error, with the command that mends it."""
        try:
            while True:
                probe = [self._probe.fileno()] if self._probe else []
                ready, writable, _ = select.select([*reading, *probe], writing, [], self._patience)
                if found := [one for one in (*ready, *writable) if one not in probe]:
                    return found
                if ready:
                    self._forget(_AGAIN)  # it lives: it works
                elif self._probe or not self._ask():
                    self._tell()
        finally:
            self._forget(self._patience)

    def _ask(self) -> bool:
        """Whether it could be asked."""
        self._probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._patience = _ANSWER
        call = json.dumps({"verb": "ping", "token": read_token(self._places)}).encode()
        try:
            self._probe.connect(os.fspath(self._places.socket))
            self._probe.send(wire.pack_frame(wire.CALL, call))
        except OSError:  # so many wait already
            return False
        return True

    def _tell(self) -> None:
        self._forget(None)
        credentials = self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = struct.unpack("3i", credentials)[0]
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
            state = file.read().rpartition(") ")[2][:1]
            why, way = _STOPPED if state in "Tt" else _HANGS
            # On a terminal how long it takes may stand there by now.
            anew = "\r\x1b[K" if os.isatty(2) else ""
            os.write(2, (anew + _LINE.format(pid=pid, why=why, way=way.format(pid=pid))).encode())

    def _forget(self, patience: float | None) -> None:
        if self._probe is not None:
            self._probe.close()
        self._probe, self._patience = None, patience


# As cash/shell/client.pl says it.
_LINE: Final = "polis: polisd ({pid}) does not answer: it {why}\nhint: {way}\n"
_STOPPED: Final = ("is stopped", "kill -CONT {pid}")
_HANGS: Final = ("hangs", "kill -KILL {pid}: the next command starts another; what runs goes on")
