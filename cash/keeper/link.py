"""polisd's side of a keeper: talks to it over its link.

Sends are short and wait at most a moment; receive() never waits. Put fileno() into an event loop
and call receive() when it is readable.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from cash.keeper import messages
from cash.keeper.estate import Estate
from cash.keeper.judging import Snapshot
from cash.keeper.messages import (
    Asked,
    Ended,
    Failed,
    Gone,
    Kept,
    LetGo,
    LinkEnded,
    Listening,
    Message,
    Ready,
    Seen,
    Wrote,
    to_text,
)
from cash.keeper.verdicts import NOTHING, ExecVerdict, Prediction

__all__ = [
    "NOTHING",
    "Asked",
    "Ended",
    "Estate",
    "ExecVerdict",
    "Failed",
    "Gone",
    "Judged",
    "KeeperLink",
    "Kept",
    "LetGo",
    "Listening",
    "Message",
    "Prediction",
    "Ready",
    "Seen",
    "Snapshot",
    "Wrote",
    "attach",
    "keeper_address",
]

Judged = Literal["words", "line", "errand", "write"]

# A keeper answers its loop in microseconds; one that takes no packet for so long is broken.
_PATIENCE: Final = struct.pack("ll", 5, 0)


def keeper_address(runtime: Path, identity: str) -> Path:
    """The socket of the keeper of the agent `identity` (repository and name); short enough for
    the 108 bytes of a socket's name."""
    name = hashlib.blake2b(identity.encode(), digest_size=5).hexdigest()
    return runtime / "keepers" / f"{name}.sock"


class KeeperLink:
    """A control connection to one keeper."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = be_patient(connection)

    def fileno(self) -> int:
        """For an event loop: readable when receive() has something."""
        return self._connection.fileno()

    def run(
        self,
        id: str,
        argv: Sequence[bytes],
        environment: Sequence[bytes],
        cwd: bytes,
        client: int,
        descriptors: Mapping[int, int],
        *,
        terminals: str = "000",
        rows: int = 24,
        columns: int = 80,
        report: bytes = b"",
        judged: Judged = "words",
        predicted: Prediction = NOTHING,
    ) -> None:
        """Has a command run.

        environment: NAME=value entries over the walls' own. cwd: b"" is the tree. client: the
        connection of the client, which the keeper speaks on from now (close your copy).
        descriptors: number inside → descriptor here; a number missing of 0 to 2 is /dev/null.
        report: comes back in Ended. judged: what of it is judged already: "words" (each exec is
        looked at, its own start too), "line" (bash and its text), "errand" (polisd's own, by no
        rule: cash/keeper/own_work.py), "write" (polis' own hand and no program: what it writes is
        looked at). predicted: what its line names. OSError when the keeper is gone.
        """
        if not argv or not argv[0]:
            raise ValueError("a command needs a name")
        values = {
            "do": "run",
            "id": id,
            "argv": [to_text(word) for word in argv],
            "environment": [to_text(entry) for entry in environment],
            "cwd": to_text(cwd),
            "numbers": list(descriptors),
            "terminals": terminals,
            "rows": rows,
            "columns": columns,
            "report": to_text(report),
            "judged": judged,
            **predicted.pack(),
        }
        self._send(values, [client, *descriptors.values()])

    def listen(self, port: int) -> None:
        """Asks for a listening socket at 127.0.0.1:`port` inside; a Listening comes."""
        self._send({"do": "listen", "port": port})

    def enforce(self, snapshot: Snapshot) -> None:
        """Has every exec judged by this from now on; before it comes, none goes on."""
        content = os.memfd_create("snapshot", os.MFD_CLOEXEC)
        try:
            with open(os.dup(content), "wb") as file:
                pickle.dump(snapshot, file)
            os.lseek(content, 0, os.SEEK_SET)
            self._send({"do": "enforce"}, [content])
        finally:
            os.close(content)

    def claim(
        self, came: Sequence[Mapping[str, Any]], went: Sequence[int] = (), *, whole: bool = False
    ) -> None:
        """Tells what others hold of the agent's tree by now, packed, and what they hold no more, by
        its fence. whole: there is nothing else."""
        self._send({"do": "claims", "came": list(came), "went": list(went), "whole": whole})

    def settle(self, number: int, verdict: ExecVerdict) -> None:
        """Answers an Asked, or what it still waits for."""
        self._send({"do": "verdict", "number": number, **verdict.pack()})

    def settle_write(self, number: int, *, allowed: bool, held: str = "") -> None:
        """Answers an Asked about a write. held: it would be, but somebody else holds the file; for
        the writer's standard error."""
        verdict = "held" if held else "allow" if allowed else "refuse"
        self._send({"do": "verdict", "write": number, "verdict": verdict, "text": held})

    def predict(self, id: str, predicted: Prediction, step: str) -> None:
        """Tells what a line names that the running command `id` (a shell) is about to run. step:
        the line's id, to which what is changed belongs from now on; "" when it has ended."""
        self._send({"do": "predict", "id": id, "step": step, **predicted.pack()})

    def hand_down(self, estate: Estate) -> None:
        """Gives a keeper all that the one before it held."""
        for piece, descriptors in estate.pieces():
            self._send({"do": "inherit", **piece}, descriptors)
        self._send({"do": "inherit", "what": ""})

    def tell_end(self, id: str, end: dict[str, Any]) -> None:
        """How a command ended whose process is another's child by now."""
        self._send({"do": "end", "id": id, "end": end})

    def acknowledge(self, id: str) -> None:
        """Says that the Ended of `id` is safe; until then it comes again after an attach."""
        self._send({"do": "acknowledge", "id": id})

    def stop(self) -> None:
        """Ends the walls and every command. The link closes when the last Ended is acknowledged."""
        self._send({"do": "stop"})

    def receive(self) -> list[Message]:
        """What has come, without waiting. A keeper that is gone gives Gone, last."""
        found: list[Message] = []
        while self._connection.fileno() >= 0:
            try:
                packet = messages.receive_packet(self._connection, flags=socket.MSG_DONTWAIT)
                found.append(messages.unpack_message(*packet))
            except BlockingIOError:
                break
            except (LinkEnded, OSError):
                self.close()
                found.append(Gone())
        return found

    def close(self) -> None:
        """Closes this side; the keeper lives on."""
        self._connection.close()

    def _send(self, values: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        messages.send_packet(self._connection, values, descriptors)


def attach(address: Path) -> KeeperLink | None:
    """A link to a keeper that is already there, or None. Its first message is Ready; from one of
    another user, which listens to nobody else, Failed."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(os.fspath(address))
        messages.send_packet(connection, {"do": "attach"})
    except OSError:
        connection.close()
        return None
    return KeeperLink(connection)


def be_patient(connection: socket.socket) -> socket.socket:
    """Bounds how long a send may wait, and no more."""
    # settimeout() would make MSG_DONTWAIT wait as well.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)
    return connection
