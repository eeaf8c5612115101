"""What is said to polisd and heard from it, for everything that calls it. Nothing is started here
(cash/daemon/client.py does)."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

from cash import wire
from cash.faults import (
    FAILED_CLOSED,
    EndedFault,
    Fault,
    MachineFault,
    RefusedFault,
    UnansweredFault,
    UsageFault,
)
from cash.places import Places

_FAULTS = {
    kind.status: kind
    for kind in (UsageFault, MachineFault, RefusedFault, UnansweredFault, EndedFault)
}


def connect_running(places: Places) -> socket.socket | None:
    """A connection to polisd; None when it is not running."""
    endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        endpoint.connect(os.fspath(places.socket))
    except OSError:
        endpoint.close()
        return None
    return endpoint


def not_running() -> Fault:
    """What is said where polisd is not to be started."""
    return Fault("polisd is not running", hint="start it: polis up")


def read_token(places: Places) -> str:
    """The operator's token. Fault when polis has not run here yet or it is unreadable."""
    try:
        return places.token.read_text().strip()
    except OSError as fault:
        raise Fault(
            f"the operator's token cannot be read: {fault.strerror}", hint="polis up"
        ) from fault


def call_running(places: Places, verb: str, **fields: Any) -> dict[str, Any]:
    """One verb and its reply. Raises the Fault that polisd answered with, and one when it is not
    running."""
    endpoint = connect_running(places)
    if endpoint is None:
        raise not_running()
    with endpoint:
        say(endpoint, places, verb, fields)
        return hear(endpoint)


def say(endpoint: socket.socket, places: Places, verb: str, fields: dict[str, Any]) -> None:
    """Asks for a verb."""
    request = {"verb": verb, "token": read_token(places), **fields}
    wire.send_frame(endpoint, wire.CALL, json.dumps(request).encode())


def hear(endpoint: socket.socket) -> dict[str, Any]:
    """A reply. ConnectionEnded; the Fault that polisd answered with."""
    try:
        kind, payload, _ = wire.receive_frame(endpoint)
    except OSError as fault:
        raise wire.ConnectionEnded(str(fault)) from fault
    if kind != wire.REPLY:
        raise Fault(f"polisd said something unexpected ({kind!r})")
    reply: dict[str, Any] = json.loads(payload)
    if moved := reply.pop("moved", ""):
        print(f"polis: {moved}", file=sys.stderr)
    fault_said = reply.get("fault")
    if fault_said:
        kind_of_fault = _FAULTS.get(fault_said.get("status", FAILED_CLOSED), Fault)
        raise kind_of_fault(fault_said["message"], hint=fault_said.get("hint"))
    return reply
