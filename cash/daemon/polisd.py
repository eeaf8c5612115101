"""polisd: one per user. Carries commands through the pipeline and answers calls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import traceback
import uuid
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cash import wire
from cash.daemon.access import ensure_token, may_ask
from cash.daemon.caller import Caller
from cash.daemon.calls import CALLS, FOLLOWED
from cash.daemon.connection import Connection
from cash.daemon.repositories import Repositories
from cash.daemon.stages import CommandStages, Interrupted
from cash.faults import FAILED_CLOSED, Fault
from cash.keeper.limits import allow_descriptors
from cash.pipeline import Request, carry_out
from cash.places import Places

_BACKLOG = 128
_ENCODING = ("utf-8", "surrogateescape")
_MOST_DESCRIPTORS = 8
_ACCEPT_AGAIN_SECONDS = 0.05
# As long as a polisd may take to end: taking walls down waits for what runs in them.
_HANDOVER_SECONDS = 15.0


def run_polisd(places: Places, ready: int) -> int:
    """Runs until told to stop; says b"ready" on the descriptor once it listens, or when another
    polisd of this user does. Returns the exit status."""
    lock = FileLock(places.runtime / "polisd.lock", timeout=0)
    deadline = time.monotonic() + _HANDOVER_SECONDS
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if _answers(places):
                _say_ready(ready)
                return 0
            if time.monotonic() > deadline:
                raise Fault("another polisd is starting or stopping", hint="try again") from None
            time.sleep(0.02)
    with lock:
        asyncio.run(_live(places, ready))
    return 0


def _answers(places: Places) -> bool:
    """Whether the polisd that holds the lock takes connections: else it is just starting, or has
    stopped listening and is taking walls down."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as endpoint:
        try:
            endpoint.connect(os.fspath(places.socket))
        except OSError:
            return False
    return True


def _say_ready(ready: int) -> None:
    os.write(ready, b"ready")
    os.close(ready)


async def _live(places: Places, ready: int) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    token = ensure_token(places)
    repositories = Repositories(places)
    # The zygote is forked from while this process is still small and has no threads.
    await repositories.open()
    # Agents' connections must not use up what their user's orders need. Not before the zygote
    # runs, so that commands inside keep the usual limit.
    allow_descriptors()
    listener = _listen(places)
    polisd = _Polisd(repositories, token, stopping)
    accepting = asyncio.ensure_future(polisd.accept(listener))
    _say_ready(ready)
    try:
        await stopping.wait()
    finally:
        # Whatever hangs from here on (a git on a dead disk, a thread that waits for it), the user
        # was told that polis is down: SIGALRM ends the process.
        signal.setitimer(signal.ITIMER_REAL, _HANDOVER_SECONDS)
        accepting.cancel()
        with contextlib.suppress(OSError):  # its folder may be gone: a session's, at log-out
            os.unlink(places.socket)
        listener.close()
        await polisd.hang_up()
        await repositories.close()


def _listen(places: Places) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(places.socket)  # left by a killed polisd; the lock says there is no other
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(os.fspath(places.socket))
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


class _Polisd:
    def __init__(self, repositories: Repositories, token: bytes, stopping: asyncio.Event) -> None:
        self._repositories = repositories
        self._token = token
        self._stopping = stopping
        self._conversations: set[asyncio.Task[None]] = set()

    async def accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                endpoint, _ = await loop.sock_accept(listener)
            except OSError:  # no descriptor is free just now, or the caller hung up already
                await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                continue
            talking = asyncio.ensure_future(self._talk(Connection(endpoint)))
            self._conversations.add(talking)
            talking.add_done_callback(self._conversations.discard)

    async def hang_up(self) -> None:
        """Ends all conversations; commands that run keep their own connection."""
        own = asyncio.current_task()
        for talking in list(self._conversations):
            if talking is not own:
                talking.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _talk(self, connection: Connection) -> None:
        """One connection, one request. The one place that turns polisd's faults into words."""
        try:
            kind, payload, descriptors = await connection.receive(_MOST_DESCRIPTORS)
            try:
                if kind == wire.RUN:
                    await self._run(connection, payload, descriptors)
                elif kind == wire.CALL:
                    await self._call(connection, payload)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
        except wire.ConnectionEnded:
            pass  # nobody is there to be told
        finally:
            connection.close()

    async def _run(self, connection: Connection, payload: bytes, descriptors: list[int]) -> None:
        asked = wire.RunRequest.decode(payload)
        try:
            self._check(connection, asked.token)
            if len(descriptors) != 3 + asked.extra:
                raise Fault("the client sent the wrong number of descriptors")
            here = os.fsdecode(asked.cwd)
            moved = await self._repositories.follow(Path(here), adopting=False)
            if moved:
                await connection.send(wire.TEXT, f"polis: {moved}\n".encode(*_ENCODING))
            hosted, agent, cwd = self._repositories.find_agent(asked.agent, here)
            stages = CommandStages(hosted, agent, connection, asked, descriptors)
            if asked.mode == "shell":
                await stages.run_shell(new_id(), cwd)
                return
            request = Request(
                id=new_id(),
                mode="line" if asked.mode == "line" else "argv",
                arguments=tuple(_decode(word) for word in asked.arguments),
                cwd=cwd,
            )
            if not request.arguments:
                raise Fault("there is no command to run")
            refusal = await carry_out(request, stages)
        except Fault as fault:
            hint = f"\nhint: {fault.hint}" if fault.hint else ""
            await _end(connection, f"polis: {fault.message}{hint}\n", fault.status)
        except Interrupted as fault:
            await _end(connection, "", _status_of(str(fault)))
        except wire.ConnectionEnded:
            raise
        except Exception as fault:
            _log_bug(fault)
            await _end(connection, f"polis: internal fault: {fault}\n", FAILED_CLOSED)
        else:
            if refusal is not None:
                await _end(connection, refusal.text, refusal.status)

    async def _call(self, connection: Connection, payload: bytes) -> None:
        moved = ""
        try:
            asked: dict[str, Any] = json.loads(payload)
            self._check(connection, str(asked.pop("token", "")).encode())
            verb = str(asked.pop("verb", ""))
            if verb not in CALLS and verb not in FOLLOWED:
                raise Fault(f"polisd does not know {verb!r}", hint="polis down; polis up")
            caller = Caller(self._repositories, connection, self._stopping)
            here = Path(str(asked.get("path" if verb == "init" else "cwd") or "/"))
            moved = await self._repositories.follow(here, adopting=verb == "init")
            if verb in FOLLOWED:
                await FOLLOWED[verb](caller, asked)
                return
            reply = await CALLS[verb](caller, asked)
        except Fault as fault:
            reply = _as_reply(fault.message, fault.outside, fault.status)
        except wire.ConnectionEnded:
            raise
        except (KeyError, TypeError, ValueError) as fault:
            _log_bug(fault)
            reply = _as_reply(f"polisd could not read the call: {fault!r}", None, FAILED_CLOSED)
        except Exception as fault:
            _log_bug(fault)
            reply = _as_reply(f"internal fault: {fault}", "see polisd.log", FAILED_CLOSED)
        if moved:
            reply = {**reply, "moved": moved}
        await connection.send(wire.REPLY, json.dumps(reply).encode())

    def _check(self, connection: Connection, said: bytes) -> None:
        if not may_ask(connection.endpoint, said, self._token):
            raise Fault("polisd takes orders only from its user", hint="run it outside the walls")


def new_id() -> str:
    """A command's name in the journal."""
    return uuid.uuid4().hex[:16]


def _status_of(name: str) -> int:
    """What a shell gives for a command that this signal ended."""
    number = getattr(signal, f"SIG{name}", signal.SIGTERM)
    return 128 + int(number)


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


async def _end(connection: Connection, text: str, status: int) -> None:
    if text:
        await connection.send(wire.TEXT, text.encode("utf-8", "surrogateescape"))
    await connection.send(wire.EXIT, b"%d" % status)


def _as_reply(message: str, hint: str | None, status: int) -> dict[str, Any]:
    return {"fault": {"message": message, "hint": hint, "status": status}}


def _log_bug(fault: BaseException) -> None:
    traceback.print_exception(fault, file=sys.stderr)
    sys.stderr.flush()
