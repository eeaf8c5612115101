"""What the interactive shell asks polisd about its lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cash import wire
from cash.calling import read_token
from cash.daemon.client import call, connect
from cash.faults import DENIED, FAILED_CLOSED, Fault
from cash.places import Places
from cash.shell.question import Answer, Question


@dataclass(frozen=True, slots=True)
class Judged:
    """What polisd says of a line. line: as it was sent; text: what to run. refusal: what to print
    instead of running it, else ""; status: what it leaves then. rewritten: text is not what was
    typed. asked: the question it hangs on. said: the whole reply, for `explain`."""

    id: str
    decision: str
    text: str
    rule: str = ""
    reason: str = ""
    refusal: str = ""
    incomplete: bool = False
    rewritten: bool = False
    asked: Question | None = None
    said: Mapping[str, Any] | None = None
    line: str = ""
    status: int = DENIED


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of a question: run it, or print `refusal` and take `status`. again: neither; what
    was chosen changes how the line is judged."""

    allowed: bool
    refusal: str = ""
    status: int = 0
    again: bool = False


class Judge:
    """Speaks with polisd for one agent. tree tells polisd which agent is meant; a line is judged
    in `directory`, where bash is now."""

    def __init__(self, places: Places, agent: str, tree: str) -> None:
        self._places = places
        self._who: dict[str, Any] = {"agent": agent, "cwd": tree}

    def judge(self, line: str, directory: str) -> Judged:
        """The verdict on a line about to run; it is journaled, and a question is opened. A Fault
        of polisd's is a refusal: what cannot be judged does not run."""
        try:
            said = self._ask_for(line, directory)
        except (Fault, wire.ConnectionEnded, OSError) as fault:
            return Judged(id="", decision="fault", text=line, refusal=fault_text(fault))
        return _read(line, said)

    def _ask_for(self, line: str, directory: str) -> dict[str, Any]:
        asked: dict[str, Any] = {**self._who, "line": line, "directory": directory}
        try:
            return call(self._places, "judge", **asked)
        except (wire.ConnectionEnded, OSError):
            # polisd died with the call in its hands; the next one is started by this call.
            return call(self._places, "judge", **asked)

    async def look(self, line: str, directory: str) -> Judged:
        """The verdict without consequences, while the line is being typed. ConnectionEnded or
        OSError when polisd does not answer."""
        reader, writer = await asyncio.open_unix_connection(self._places.socket)
        try:
            asked = {"verb": "judge", "look": True, "line": line, "directory": directory}
            token = read_token(self._places)
            body = json.dumps({**asked, **self._who, "token": token}).encode()
            writer.write(wire.pack_frame(wire.CALL, body))
            try:
                _, length = wire.HEAD.unpack(await reader.readexactly(wire.HEAD.size))
                said = json.loads(await reader.readexactly(length))
            except asyncio.IncompleteReadError as fault:
                raise wire.ConnectionEnded("closed") from fault
        finally:
            writer.close()
        if "fault" in said:
            raise wire.ConnectionEnded(str(said["fault"]))
        return _read(line, said)

    def wait_for(self, question: Question, line: str) -> socket.socket:
        """A connection on which the end of a question arrives, whoever answers it. line: the id of
        the line it is about."""
        connection = connect(self._places)
        about = {"id": question.id, "line": line, **self._who}
        body = {"verb": "ask", "token": read_token(self._places), **about}
        wire.send_frame(connection, wire.CALL, json.dumps(body).encode())
        return connection

    def answer(self, question: Question, answer: Answer) -> None:
        """Gives the person's answer; somebody else's may have come first."""
        with contextlib.suppress(Fault, wire.ConnectionEnded, OSError):
            call(
                self._places,
                "approvals.answer",
                id=question.id,
                decision=answer.decision,
                scope=answer.scope,
                choice=answer.choice,
                cwd=self._who["cwd"],
            )

    def ended(self, judged: Judged, status: int, seconds: float) -> None:
        """Tells the journal how a line ended; it is no reason to start polisd."""
        with contextlib.suppress(Fault, wire.ConnectionEnded, OSError):
            call(
                self._places,
                "line.ended",
                start=False,
                **self._who,
                id=judged.id,
                status=status,
                seconds=round(seconds, 3),
            )


def read_settled(connection: socket.socket) -> Settled:
    """The end of a question, from the connection of Judge.wait_for()."""
    try:
        _, payload, _ = wire.receive_frame(connection)
        said = json.loads(payload)
    except (wire.ConnectionEnded, OSError):
        return Settled(False, "polis: polisd went away with the question\n", FAILED_CLOSED)
    if fault := said.get("fault"):
        return Settled(False, f"polis: {fault['message']}\n", FAILED_CLOSED)
    return Settled(
        said["decision"] == "allow",
        str(said["text"]),
        int(said["status"]),
        again=said["decision"] == "again",
    )


def fault_text(fault: Exception) -> str:
    """A fault as the lines a person reads."""
    match fault:
        case Fault(message=message, hint=str(hint)):
            return f"polis: {message}\nhint: {hint}\n"
        case Fault(message=message):
            return f"polis: {message}\n"
        case _:
            return f"polis: polisd does not answer: {fault}\n"


def _read(line: str, said: Mapping[str, Any]) -> Judged:
    rules = said.get("rules") or [{}]
    rewritten = said.get("rewritten")
    asked = None
    if said.get("ask"):
        asked = Question.read({**said["asked"], "line": line, "rewritten": rewritten})
    return Judged(
        id=str(said["id"]),
        decision=str(said["decision"]),
        text=rewritten or line,
        rule=str(rules[0].get("id") or ""),
        reason=str(rules[0].get("reason") or ""),
        refusal=str(said.get("text") or ""),
        incomplete=bool(said.get("incomplete")),
        rewritten=bool(rewritten),
        asked=asked,
        said=said,
        line=line,
        status=int(said.get("status") or DENIED),
    )
