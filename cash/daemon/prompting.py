"""Prompts for living agents."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from cash.daemon.describing import describe_agent
from cash.faults import Fault, UsageFault
from cash.sessions.census import read_table
from cash.sessions.control import ControlFault
from cash.sessions.front import shell_in_front
from cash.sessions.prompting import Terminal, check_prompt, deliver
from cash.sessions.session import Session
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# What of a long text is journaled and shown; its fingerprint stands beside it.
_MOST_KEPT: Final = 4000
# How long a program may take to its first prompt, questions of its own included.
_READY_SECONDS: Final = 60.0
_LOOK: Final = 0.1
# A program that takes up a conversation paints its prompt, is silent for a moment, and paints what
# was said before: what was typed in between is forgotten (Gemini CLI).
_SETTLED: Final = 2.0
_OWN_WORD: Final = ("hook", "protocol")
_TAKEN: Final = ("running", "waiting_approval")


class Prompting:
    """Prompts the agents of one repository."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted

    async def prompt(self, agent: Agent, text: str) -> str:
        """Gives a living agent's program a prompt; how it was seen to take it. Fault when it is
        not in a state to, or did not."""
        data = check_prompt(text.encode("utf-8", "surrogateescape"))
        await self._hosted.sessions.ready()
        session = self._hosted.sessions.of(agent)
        if session is None:
            raise UsageFault(f"{agent.name} is not at work", hint=_start(agent))
        async with session.turn:
            await self._check(session)
            await self.journal(agent, "prompt", text, batch="")
            self._hosted.sessions.note_prompt(session)
            try:
                return await self._deliver(session, data)
            except ControlFault as fault:
                raise Fault(f"{agent.name} has just ended", hint=_start(agent)) from fault

    async def _deliver(self, session: Session, data: bytes) -> str:
        agent = session.agent
        server = self._hosted.sessions.server
        folder = server.place.socket.parent
        terminal = Terminal(server.control, folder, session.pane, lambda: session.written)

        def heard(since: float) -> bool:
            state = describe_agent(self._hosted, agent).get("state") or {}
            return (
                state.get("source") in _OWN_WORD
                and state.get("status") in _TAKEN
                and (state.get("since") or 0.0) >= since
            )

        try:
            return await deliver(terminal, data, heard)
        except Fault as fault:
            words = f"{agent.name}: {fault.message}"
            raise type(fault)(words, hint=f"polis agents attach {agent.name}") from fault

    async def _check(self, session: Session) -> None:
        """Whether what is pasted now would be read as a prompt, and by nobody else."""
        agent, hosted = session.agent, self._hosted
        hosted.sessions.stillness.check(agent)
        hosted.quotas.check(agent.provider)
        shell = await self.shell_in_front(session)
        if shell:
            raise UsageFault(
                f"a shell ({shell}) is in front in {agent.name}'s window: it would run the text",
                hint=f"polis shell {agent.name} -c LINE runs a line",
            )
        if not session.paste.is_on:
            raise UsageFault(
                f"{agent.name}'s program does not take pasted text now",
                hint=f"see what it shows: polis agents attach {agent.name}",
            )

    async def shell_in_front(self, session: Session) -> str:
        """The shell that would run what is typed at the session's terminal now; "" where another
        program would read it. UsageFault when its program does not run."""
        return await asyncio.to_thread(self._shell, session, self._command(session))

    def _command(self, session: Session) -> int:
        household = self._hosted.keeping.standing(self._hosted.key_of(session.agent))
        found = household.estate.processes if household is not None else {}
        if session.command not in found:
            raise UsageFault(
                f"{session.agent.name}'s program is not running (yet)",
                hint=f"polis agents attach {session.agent.name}",
            )
        return found[session.command]

    def _shell(self, session: Session, command: int) -> str:
        inside = self._hosted.sessions.stillness.inside(session.agent)
        return shell_in_front(read_table(time.monotonic()), command, inside)

    async def type_when_ready(self, session: Session, text: str) -> None:
        """Types a first prompt that could not be given at the start, once the program takes it;
        the journal has what came of it."""
        deadline = time.monotonic() + _READY_SECONDS
        while not session.ended.done():
            if session.paste.is_on and time.monotonic() - session.written > _SETTLED:
                break
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK)
        try:
            await self.prompt(session.agent, text)
        except Fault as fault:
            body = {"session": session.number, "reason": fault.message}
            self._hosted.note(session.agent, uuid.uuid4().hex, "prompt-lost", body)

    async def journal(self, agent: Agent, kind: str, text: str, *, batch: str) -> None:
        """Writes down what an agent was told, before it is."""
        data = text.encode("utf-8", "surrogateescape")
        body: dict[str, Any] = {"text": short(text), "bytes": len(data), "batch": batch or None}
        if len(text) > _MOST_KEPT:
            body["sha256"] = hashlib.sha256(data).hexdigest()
        await self._hosted.journal(agent, uuid.uuid4().hex, kind, body)


def short(text: str) -> str:
    """What of a text is kept. Half a surrogate is no character of the journal's."""
    kept = text if len(text) <= _MOST_KEPT else text[: _MOST_KEPT - 1] + "…"
    return kept.encode("utf-8", "backslashreplace").decode()


def _start(agent: Agent) -> str:
    return f"polis agents run {agent.name} TASK"
