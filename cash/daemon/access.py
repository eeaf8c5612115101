"""Who may ask polisd: the holder of the operator's token, outside all walls."""

from __future__ import annotations

import base64
import hmac
import os
import socket

from cash.daemon.connection import peer_is_outside
from cash.places import Places

_TOKEN_BYTES = 48


def ensure_token(places: Places) -> bytes:
    """The operator's token (64 characters), made at the first start. Written whole or not at
    all: a second polisd starting at once must not read half of it."""
    try:
        return places.token.read_bytes().strip()
    except FileNotFoundError:
        pass
    token = base64.urlsafe_b64encode(os.urandom(_TOKEN_BYTES))
    half = places.token.with_suffix(".new")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(token)
        file.flush()
        os.fsync(descriptor)
    os.replace(half, places.token)
    return token


def may_ask(endpoint: socket.socket, said: bytes, token: bytes) -> bool:
    """Whether this peer may give polisd orders. Compared in constant time."""
    return peer_is_outside(endpoint) and hmac.compare_digest(said, token)
