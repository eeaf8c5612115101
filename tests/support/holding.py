"""A program that holds locks as polis' own writer does: over a connection to polisd."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from installation import Installation

from cash import wire
from cash.places import find_places


class Refused(Exception):
    """polisd's fault. args: its message."""


class Lock:
    """One lock, asked for at once. said: what was granted."""

    def __init__(self, installation: Installation, cwd: Path, path: str, **fields: Any) -> None:
        places = find_places({**os.environ, **installation.environment})
        self.endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.endpoint.settimeout(90)
        self.endpoint.connect(os.fspath(places.socket))
        token = places.token.read_text().strip()
        asked = {"verb": "locks.hold", "token": token, "cwd": str(cwd), "path": path, **fields}
        wire.send_frame(self.endpoint, wire.CALL, json.dumps(asked).encode())

    def hear(self) -> dict[str, Any]:
        """polisd's next word."""
        _, payload, _ = wire.receive_frame(self.endpoint)
        reply: dict[str, Any] = json.loads(payload)
        if "fault" in reply:
            raise Refused(reply["fault"]["message"])
        return reply

    def ask(self, do: str) -> bool:
        wire.send_frame(self.endpoint, wire.CALL, json.dumps({"do": do}).encode())
        return bool(self.hear()["held"])

    def close(self) -> None:
        self.endpoint.close()


@contextmanager
def locking(installation: Installation, cwd: Path, path: str, **fields: Any) -> Iterator[Lock]:
    """A lock that is held while the block runs. Refused."""
    lock = Lock(installation, cwd, path, **fields)
    try:
        lock.fence = lock.hear()["fence"]  # type: ignore[attr-defined]
        yield lock
    finally:
        lock.close()
