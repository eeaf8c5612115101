"""Calls about claims on paths: list, follow, reserve, release, and hold for as long as a write."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Coroutine
from typing import Any, Final

from cash import wire
from cash.daemon.caller import Caller, Fields
from cash.daemon.claiming import Claiming, describe_locks
from cash.daemon.connection import Connection
from cash.faults import HeldFault, UsageFault
from cash.guard.claim import Claim
from cash.guard.wording import Held

_LONGEST_WAIT: Final = 600.0


async def locks_list(caller: Caller, fields: Fields) -> dict[str, Any]:
    return describe_locks(caller.hosted(fields))


async def locks_follow(caller: Caller, fields: Fields) -> None:
    """The list, again each time it has changed, until the caller hangs up."""
    hosted = caller.hosted(fields)
    hanging = asyncio.ensure_future(caller.connection.gone())
    last = ""
    try:
        while not hanging.done():
            now = json.dumps(describe_locks(hosted))
            if now != last:
                await caller.connection.send(wire.REPLY, now.encode())
                last = now
            change = asyncio.ensure_future(hosted.locks.wait_change())
            await asyncio.wait({change, hanging}, return_when=asyncio.FIRST_COMPLETED)
            change.cancel()
            await asyncio.sleep(0.05)  # what comes together is shown together
    finally:
        hanging.cancel()


async def locks_reserve(caller: Caller, fields: Fields) -> dict[str, Any]:
    globs = [str(one) for one in fields["globs"]]
    asking = _claiming(caller, fields)
    return await asking.reserve(globs, str(fields.get("for") or ""), str(fields.get("why") or ""))


async def locks_release(caller: Caller, fields: Fields) -> dict[str, Any]:
    globs, everything = [str(one) for one in fields.get("globs") or ()], bool(fields.get("all"))
    if bool(globs) == everything:
        raise UsageFault("a glob, or --all", hint="polis release 'src/**'")
    return {"released": _claiming(caller, fields).release(globs, everything=everything)}


async def locks_hold(caller: Caller, fields: Fields) -> None:
    """Locks one file for the caller, whose connection holds it: {"fence", …} when it is its turn,
    or a HeldFault. Then each CALL {"do": "check" | "beat" | "release"} is answered {"held"}:
    whether it still is (or was, until now) the caller's. A connection that ends gives back."""
    asking, path, why = _claiming(caller, fields), str(fields["path"]), str(fields.get("why") or "")
    wait = min(float(fields.get("wait") or 0.0), _LONGEST_WAIT)
    granted = await asking.lock(path, why=why)
    if isinstance(granted, Held) and wait > 0:
        granted = await _wait_for(caller.connection, asking.lock(path, why=why, wait=wait))
    if isinstance(granted, Held):
        raise HeldFault(granted.tell(path), hint=granted.hint(), outside=granted.hint_outside())
    try:
        await caller.connection.send(wire.REPLY, json.dumps(granted.describe()).encode())
        await _converse(caller, asking, granted)
    finally:
        asking.hosted.locks.release(granted.fence, granted.holder, "gone")


async def _wait_for(
    connection: Connection, asking: Coroutine[Any, Any, Claim | Held]
) -> Claim | Held:
    """Its turn, for as long as somebody waits for it. ConnectionEnded."""
    hanging = asyncio.ensure_future(connection.gone())
    turn = asyncio.ensure_future(asking)
    try:
        await asyncio.wait({turn, hanging}, return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            raise wire.ConnectionEnded("the caller has hung up")
    finally:
        turn.cancel()
        hanging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hanging  # it listens to the connection, as what follows will
    return turn.result()


async def _converse(caller: Caller, asking: Claiming, claim: Claim) -> None:
    locks, connection = asking.hosted.locks, caller.connection
    while True:
        _, payload, _ = await connection.receive()
        match json.loads(payload).get("do"):
            case "check":
                is_held = locks.holds(claim.fence, claim.holder)
            case "beat":
                is_held = locks.beat(claim.fence, claim.holder)
            case "release":
                is_held = locks.release(claim.fence, claim.holder) is not None
            case other:
                raise UsageFault(f"a lock knows no {other!r}")
        await connection.send(wire.REPLY, json.dumps({"held": is_held}).encode())


def _claiming(caller: Caller, fields: Fields) -> Claiming:
    """By name, or by the agent's tree one stands in; else it is the person."""
    cwd = str(fields.get("cwd") or "/")
    hosted = caller.hosted(fields)
    named = str(fields.get("agent") or "")
    here = (one for one in hosted.agents() if f"{cwd}/".startswith(f"{one.tree}/"))
    agent = caller.agent(fields)[1] if named else next(here, None)
    return Claiming(hosted, agent, cwd, _pid_of(caller.connection.endpoint))


def _pid_of(endpoint: socket.socket) -> int:
    size = struct.calcsize("3i")
    credentials = endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[0])
