"""The TCP ports that something listens at in a network namespace, as /proc tells them."""

from __future__ import annotations

import os
from typing import Final

# Both families; a machine without IPv6 has no second table.
_TABLES: Final = ("tcp", "tcp6")
_LISTENING: Final = b"0A"  # TCP_LISTEN, include/net/tcp_states.h
# Some 3,000 sockets' lines: an agent that opens more is not read to its end.
_MOST_BYTES: Final = 1 << 19
_MOST_PORTS: Final = 16


def listening_ports(pid: int, ignored: frozenset[int] = frozenset()) -> tuple[int, ...]:
    """Those of the process's network namespace, each once, the lowest first, sixteen at most; ()
    when it has ended. ignored: polis' own."""
    found: set[int] = set()
    for table in _TABLES:
        found.update(_read(f"/proc/{pid}/net/{table}"))
    return tuple(sorted(found - ignored)[:_MOST_PORTS])


def _read(path: str) -> set[int]:
    try:
        with open(path, "rb", buffering=0) as file:
            told = _read_some(file.fileno())
    except OSError:
        return set()
    # "  0: 0100007F:1F90 00000000:0000 0A …": number, own address and port, other's, state.
    rows = [line.split(None, 4) for line in told.split(b"\n")[1:-1]]
    ends = [row[1] for row in rows if len(row) > 3 and row[3] == _LISTENING]
    return {int(end.rpartition(b":")[2], 16) for end in ends}


def _read_some(descriptor: int) -> bytes:
    """The kernel gives a page at a time."""
    found = bytearray()
    while len(found) < _MOST_BYTES and (part := os.read(descriptor, 1 << 16)):
        found += part
    return bytes(found)
